import { byteAlphabet } from '../byte-level/alphabet';
import { wordEnd } from '../byte-level/words';
import { Edits, editPiece } from '../pipeline/piece';
import type { Piece } from '../pipeline/piece';
import type { Span } from '../patterns/pattern';

/** Writes every byte of a text as a character of GPT-2's alphabet. */
export function mapBytes(piece: Piece): Piece {
  const { characters } = byteAlphabet();
  const utf8 = new TextEncoder();
  if (!piece.starts) {
    let text = '';
    for (const byte of utf8.encode(piece.text)) text += characters[byte];
    return { ...piece, text };
  }
  const edits = new Edits();
  for (const character of piece.text)
    for (const [i, byte] of utf8.encode(character).entries()) edits.add(characters[byte], i > 0 ? 1 : 0);
  return editPiece(piece, edits);
}

/** GPT-2's words. */
export function gpt2Words(text: string): Span[] {
  const spans: Span[] = [];
  for (let start = 0; start < text.length;) {
    const end = wordEnd(text, start, text.length);
    spans.push([start, end, true]);
    start = end;
  }
  return spans;
}

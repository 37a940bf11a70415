import { Edits, editPiece } from '../pipeline/piece';
import type { Piece } from '../pipeline/piece';

/**
 * Lower case, character by character: a capital sigma at the end of a word becomes σ and not ς, as in Rust's
 * `char::to_lowercase`.
 */
export function lowercase(piece: Piece): Piece {
  const { text } = piece;
  const lower = text.toLowerCase();
  if (lower === text) return piece;
  if (lower.length === text.length && !text.includes('Σ')) return { ...piece, text: lower };
  const edits = new Edits();
  for (const character of text) {
    let change = 0;
    for (const small of character.toLowerCase()) {
      edits.add(small, change);
      change = 1;
    }
  }
  return editPiece(piece, edits);
}

import type { AddedTokenJson, TokenizerJson } from '../interface/tokenizer-json';
import type { Normalizer } from '../normalizers/normalizer';
import { slicePiece, wholePiece } from '../pipeline/piece';
import type { Piece } from '../pipeline/piece';
import { createTokenFinder } from '../trie/token-finder';

const WORD = '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\u200c\\u200d]';
const wordAtEnd = /* @__PURE__ */ new RegExp(`${WORD}$`, 'u');
const wordAtStart = /* @__PURE__ */ new RegExp(`^${WORD}`, 'u');
const spacesAtStart = /^\p{White_Space}*/u;

/** Cuts a piece into added tokens and what is between them. */
type Cutter = (piece: Piece) => Piece[];

/**
 * Cuts text at added tokens and normalizes what is between them: tokens that are not `normalized` are found in the text
 * as given, the others in the normalized text. `single_word`, `lstrip` and `rstrip` are followed.
 *
 * @param tokens those that are looked for
 * @param lead what stands in front of a stretch between raw tokens as one token more
 */
export function createAddedTokenCutter(
  tokens: readonly AddedTokenJson[],
  normalize: Normalizer,
  lead?: (text: string) => { readonly length: number; readonly id: number } | undefined,
): Cutter {
  const raw = cutter(
    tokens.filter((token) => !isNormalized(token)),
    (content) => content,
  );
  const normalized = cutter(tokens.filter(isNormalized), (content) => normalize(wholePiece(content, false)).text);
  const between = (part: Piece): Piece[] => (part.text === '' ? [] : normalized(rebased(normalize(part))));
  const stretch = (part: Piece): Piece[] => {
    const first = lead?.(part.text);
    if (!first) return normalized(rebased(normalize(part)));
    const token = { ...slicePiece(part, 0, first.length), tokenId: first.id };
    return [token, ...between(slicePiece(part, first.length, part.text.length))];
  };
  return (piece) => raw(piece).flatMap((part) => (part.tokenId === undefined ? stretch(part) : [part]));
}

/** A piece begins where its first character comes from. */
function rebased(piece: Piece): Piece {
  return piece.starts?.length ? { ...piece, base: piece.starts[0] } : piece;
}

/** A token is looked for in the normalized text unless it is special or says otherwise. */
function isNormalized(token: AddedTokenJson): boolean {
  return token.normalized ?? !token.special;
}

function cutter(tokens: readonly AddedTokenJson[], written: (content: string) => string): Cutter {
  const texts = tokens.map(({ content }) => written(content));
  if (texts.every((text) => text === '')) return (piece) => [piece];
  const find = createTokenFinder(texts);
  return (piece) => {
    const { text } = piece;
    const pieces: Piece[] = [];
    let done = 0;
    for (let found = find(text, 0); found; found = find(text, found.end)) {
      // One that begins in the space that the token before it took is still found, as in Hugging Face's tokenizers.
      const token = tokens[found.index];
      const place = placeOf(text, found.start, found.end, done, token);
      if (!place) continue;
      const [start, end] = place;
      if (start > done) pieces.push(slicePiece(piece, done, start));
      pieces.push({ ...slicePiece(piece, start, end), tokenId: token.id });
      done = end;
    }
    if (done < text.length) pieces.push(slicePiece(piece, done, text.length));
    return pieces;
  };
}

/** Where a token that was found begins and ends with the space that it takes; undefined when it is not a word. */
function placeOf(
  text: string,
  start: number,
  end: number,
  done: number,
  token: AddedTokenJson,
): [number, number] | undefined {
  if (token.single_word) {
    const before = text.slice(Math.max(0, start - 2), start);
    const after = text.slice(end, end + 2);
    if (wordAtEnd.test(before) || wordAtStart.test(after)) return undefined;
  }
  if (token.lstrip) {
    let left = start;
    while (left > done && /\p{White_Space}/u.test(text[left - 1])) left--;
    start = Math.max(left, done);
  }
  if (token.rstrip) end += spacesAtStart.exec(text.slice(end))![0].length;
  return [start, end];
}

/** The added tokens of a checked file. */
export function addedTokens(json: TokenizerJson): readonly AddedTokenJson[] {
  return json.added_tokens ?? [];
}

import type { AddedTokenJson, TokenizerJson } from '../interface/tokenizer-json';
import type { Normalizer } from '../normalizers/normalizer';
import { slicePiece, wholePiece } from '../pipeline/piece';
import type { Piece } from '../pipeline/piece';

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
 */
export function createAddedTokenCutter(tokens: readonly AddedTokenJson[], normalize: Normalizer): Cutter {
  const raw = cutter(
    tokens.filter((token) => !isNormalized(token)),
    (content) => content,
  );
  const normalized = cutter(tokens.filter(isNormalized), (content) => normalize(wholePiece(content, false)).text);
  return (piece) =>
    raw(piece).flatMap((part) => (part.tokenId === undefined ? normalized(rebased(normalize(part))) : [part]));
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
  const byText = new Map<string, AddedTokenJson>();
  for (const token of tokens) {
    const text = written(token.content);
    if (text !== '') byText.set(text, token);
  }
  if (byText.size === 0) return (piece) => [piece];
  const escaped = [...byText.keys()]
    .sort((a, b) => b.length - a.length) // the longest at the leftmost place
    .map((text) => text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&'));
  const pattern = new RegExp(escaped.join('|'), 'g');
  return (piece) => {
    const pieces: Piece[] = [];
    let done = 0;
    pattern.lastIndex = 0;
    for (let match = pattern.exec(piece.text); match; match = pattern.exec(piece.text)) {
      const token = byText.get(match[0])!;
      const place = placeOf(piece.text, match.index, pattern.lastIndex, done, token);
      if (!place) continue;
      const [start, end] = place;
      if (start > done) pieces.push(slicePiece(piece, done, start));
      pieces.push({ ...slicePiece(piece, start, end), tokenId: token.id });
      done = end;
      pattern.lastIndex = Math.max(pattern.lastIndex, done);
    }
    if (done < piece.text.length) pieces.push(slicePiece(piece, done, piece.text.length));
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
  if (token.lstrip) while (start > done && /\p{White_Space}/u.test(text[start - 1])) start--;
  if (token.rstrip) end += spacesAtStart.exec(text.slice(end))![0].length;
  return [start, end];
}

/** The added tokens of a checked file. */
export function addedTokens(json: TokenizerJson): readonly AddedTokenJson[] {
  return json.added_tokens ?? [];
}

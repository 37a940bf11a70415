/**
 * A stretch of text on its way through the pipeline: what it reads now, and, when offsets are wanted, where each of its
 * UTF-16 units comes from in the text that was given.
 */
export interface Piece {
  readonly text: string;
  /** Where the character of each unit begins in the given text; null when offsets are not wanted. */
  readonly starts: Int32Array | null; // [text.length]
  /** Where it ends. */
  readonly ends: Int32Array | null; // [text.length]
  /** Where the piece begins in the given text. */
  readonly base: number;
  /** The id of the added token that this piece is. */
  readonly tokenId?: number;
}

/** The piece that is all of a text. */
export function wholePiece(text: string, track: boolean): Piece {
  if (!track) return { text, starts: null, ends: null, base: 0 };
  const starts = new Int32Array(text.length);
  const ends = new Int32Array(text.length);
  for (let at = 0; at < text.length;) {
    const after = at + unitsAt(text, at);
    for (let unit = at; unit < after; unit++) {
      starts[unit] = at;
      ends[unit] = after;
    }
    at = after;
  }
  return { text, starts, ends, base: 0 };
}

/** How many UTF-16 units the code point at `at` has. */
export function unitsAt(text: string, at: number): 1 | 2 {
  const unit = text.charCodeAt(at);
  return unit >= 0xd800 && unit <= 0xdbff && at + 1 < text.length ? 2 : 1;
}

/** A part of a piece. */
export function slicePiece(piece: Piece, start: number, end: number): Piece {
  const { text, starts, ends, base } = piece;
  if (start === 0 && end === text.length) return piece;
  if (!starts || !ends) return { text: text.slice(start, end), starts: null, ends: null, base: base + start };
  return {
    text: text.slice(start, end),
    starts: starts.subarray(start, end),
    ends: ends.subarray(start, end),
    base: start < end ? starts[start] : base,
  };
}

/**
 * The new characters of a text, each with what it does to the old ones: 0 takes the place of the next old character,
 * 1 is inserted, and -n takes the place of one and removes the n after it.
 */
export class Edits {
  readonly characters: string[] = [];
  readonly changes: number[] = [];

  add(character: string, change: number): void {
    this.characters.push(character);
    this.changes.push(change);
  }

  /** Adds every character of `content` with the same change. */
  addAll(content: string, change: number): void {
    for (const character of content) this.add(character, change);
  }
}

/**
 * Applies edits. An inserted character comes from where the one before it came from, as in Hugging Face's tokenizers.
 *
 * @param skip old characters that are removed before the first edit
 */
export function editPiece(piece: Piece, edits: Edits, skip = 0): Piece {
  const text = edits.characters.join('');
  const { starts, ends, base } = piece;
  if (!starts || !ends) return { ...piece, text };
  const old = piece.text;
  const newStarts = new Int32Array(text.length);
  const newEnds = new Int32Array(text.length);
  let from = 0; // in the old text
  let to = 0; // in the new text
  const pass = (count: number): void => {
    for (; count > 0 && from < old.length; count--) from += unitsAt(old, from);
  };
  pass(skip);
  for (let i = 0; i < edits.characters.length; i++) {
    const change = edits.changes[i];
    const source = change > 0 ? from - 1 : Math.min(from, old.length - 1);
    for (let unit = 0; unit < edits.characters[i].length; unit++, to++) {
      newStarts[to] = source < 0 ? base : starts[source];
      newEnds[to] = source < 0 ? base : ends[source];
    }
    if (change <= 0) pass(1 - change);
  }
  return { text, starts: newStarts, ends: newEnds, base };
}

/** Keeps the characters that `keep` accepts. */
export function filterPiece(piece: Piece, keep: (character: string) => boolean): Piece {
  const edits = new Edits();
  let skip = 0;
  for (const character of piece.text) {
    if (keep(character)) edits.add(character, 0);
    else if (edits.changes.length > 0) edits.changes[edits.changes.length - 1]--;
    else skip++;
  }
  return editPiece(piece, edits, skip);
}

/** Puts a text in front; its characters come from where the first character comes from. */
export function prependToPiece(piece: Piece, prefix: string): Piece {
  if (piece.text === '' || prefix === '') return piece;
  const { starts, ends } = piece;
  const text = prefix + piece.text;
  if (!starts || !ends) return { ...piece, text };
  const newStarts = new Int32Array(text.length).fill(starts[0], 0, prefix.length);
  const newEnds = new Int32Array(text.length).fill(ends[0], 0, prefix.length);
  newStarts.set(starts, prefix.length);
  newEnds.set(ends, prefix.length);
  return { ...piece, text, starts: newStarts, ends: newEnds };
}

/** Puts `content` in the place of each match; it comes from where the last character of the match comes from. */
export function replaceInPiece(piece: Piece, matches: readonly (readonly [number, number])[], content: string): Piece {
  if (matches.length === 0) return piece;
  const { text: old, starts, ends, base } = piece;
  const parts: string[] = [];
  let done = 0;
  for (const [start, end] of matches) {
    parts.push(old.slice(done, start), content);
    done = end;
  }
  parts.push(old.slice(done));
  const text = parts.join('');
  if (!starts || !ends) return { ...piece, text };
  const newStarts = new Int32Array(text.length);
  const newEnds = new Int32Array(text.length);
  let to = 0;
  done = 0;
  for (const [start, end] of matches) {
    newStarts.set(starts.subarray(done, start), to);
    newEnds.set(ends.subarray(done, start), to);
    to += start - done;
    newStarts.fill(end > 0 ? starts[end - 1] : base, to, to + content.length);
    newEnds.fill(end > 0 ? ends[end - 1] : base, to, to + content.length);
    to += content.length;
    done = end;
  }
  newStarts.set(starts.subarray(done), to);
  newEnds.set(ends.subarray(done), to);
  return { ...piece, text, starts: newStarts, ends: newEnds };
}

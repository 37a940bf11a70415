/** A text (or two) as the input of a model, and where each token comes from. */
export interface Encoding {
  readonly ids: Int32Array; // [T]
  /** 0 for the first text, 1 for the second, as the tokenizer's template says. */
  readonly typeIds: Int32Array; // [T]
  /** 1 for tokens, 0 for padding. */
  readonly attentionMask: Int32Array; // [T]
  /** 1 for tokens that the template or padding added. */
  readonly specialTokensMask: Int32Array; // [T]
  /** The tokens as they are written in the vocabulary. */
  readonly tokens: readonly string[]; // [T]
  /** Where each token stands in its text, `[start, end)` in UTF-16 units, as `String.slice` takes; `[0, 0]` for added ones. */
  readonly offsets: readonly (readonly [start: number, end: number])[]; // [T]
  /** The word of its text that each token belongs to, counted as the pre-tokenizer cuts; null for added ones. */
  readonly wordIds: readonly (number | null)[]; // [T]
  /** The text that each token comes from, 0 or 1; null for added ones. */
  readonly sequenceIds: readonly (number | null)[]; // [T]
  /** The other windows of a text that was too long. */
  readonly overflowing: readonly Encoding[];
}

/** The lists of an encoding while it is put together. */
export interface EncodingRows {
  ids: number[];
  typeIds: number[];
  attentionMask: number[];
  specialTokensMask: number[];
  tokens: string[];
  offsets: [number, number][];
  wordIds: (number | null)[];
  sequenceIds: (number | null)[];
}

/** Lists without a token. */
export function emptyRows(): EncodingRows {
  return {
    ids: [],
    typeIds: [],
    attentionMask: [],
    specialTokensMask: [],
    tokens: [],
    offsets: [],
    wordIds: [],
    sequenceIds: [],
  };
}

/** The tokens `[start, end)`. */
export function sliceRows(rows: EncodingRows, start: number, end: number): EncodingRows {
  return mapRows(rows, (list) => list.slice(start, end) as never);
}

/** One after the other. */
export function joinRows(all: readonly EncodingRows[]): EncodingRows {
  const joined = emptyRows();
  for (const rows of all)
    for (const name of Object.keys(joined) as (keyof EncodingRows)[])
      for (const value of rows[name]) (joined[name] as unknown[]).push(value);
  return joined;
}

function mapRows(rows: EncodingRows, change: <T>(list: T[]) => T[]): EncodingRows {
  return {
    ids: change(rows.ids),
    typeIds: change(rows.typeIds),
    attentionMask: change(rows.attentionMask),
    specialTokensMask: change(rows.specialTokensMask),
    tokens: change(rows.tokens),
    offsets: change(rows.offsets),
    wordIds: change(rows.wordIds),
    sequenceIds: change(rows.sequenceIds),
  };
}

/** Rows of added tokens: those of a template, or padding. */
export function addedRows(
  ids: readonly number[],
  tokens: readonly string[],
  typeId: number,
  attention: 0 | 1,
): EncodingRows {
  return {
    ids: [...ids],
    typeIds: ids.map(() => typeId),
    attentionMask: ids.map(() => attention),
    specialTokensMask: ids.map(() => 1),
    tokens: [...tokens],
    offsets: ids.map(() => [0, 0]),
    wordIds: ids.map(() => null),
    sequenceIds: ids.map(() => null),
  };
}

/** Closes the lists. */
export function finishRows(rows: EncodingRows, overflowing: readonly Encoding[]): Encoding {
  return {
    ids: Int32Array.from(rows.ids),
    typeIds: Int32Array.from(rows.typeIds),
    attentionMask: Int32Array.from(rows.attentionMask),
    specialTokensMask: Int32Array.from(rows.specialTokensMask),
    tokens: rows.tokens,
    offsets: rows.offsets,
    wordIds: rows.wordIds,
    sequenceIds: rows.sequenceIds,
    overflowing,
  };
}

import { tokenizerError } from '../errors/tokenizer-error';
import type { Encoding } from './encoding';

/** Texts as the input of a model: each array holds B rows of T tokens, ready for `tf.tensor2d(array, shape)`. */
export interface BatchEncoding {
  readonly inputIds: Int32Array; // [B,T]
  /** 1 for tokens, 0 for padding. */
  readonly attentionMask: Int32Array; // [B,T]
  /** 0 for first texts, 1 for second ones. */
  readonly tokenTypeIds: Int32Array; // [B,T]
  /** 1 for tokens that the template or padding added. */
  readonly specialTokensMask: Int32Array; // [B,T]
  /** Rows and tokens in a row. */
  readonly shape: readonly [number, number];
  /** The text that each row belongs to; with `overflow` a text may have several rows. */
  readonly sampleIndices: Int32Array; // [B]
  /** Each row with its tokens, offsets and words. */
  readonly encodings: readonly Encoding[];
}

/** Lays encodings out in rows; with `overflow`, the further windows of each follow it. */
export function createBatch(all: readonly Encoding[], overflow: boolean): BatchEncoding {
  const encodings = all.flatMap((one) => (overflow ? [one, ...one.overflowing] : [one]));
  const samples = all.flatMap((one, i) => (overflow ? [i, ...one.overflowing.map(() => i)] : [i]));
  const width = encodings[0]?.ids.length ?? 0;
  const other = encodings.find((one) => one.ids.length !== width);
  if (other)
    throw tokenizerError(
      'E_RAGGED',
      `rows of ${width} and ${other.ids.length} tokens cannot lie in one array`,
      "use padding: true, or padding: 'max_length' with truncation",
    );
  const lay = (list: (one: Encoding) => Int32Array): Int32Array => {
    const out = new Int32Array(encodings.length * width);
    for (const [row, one] of encodings.entries()) out.set(list(one), row * width);
    return out;
  };
  return {
    inputIds: lay((one) => one.ids),
    attentionMask: lay((one) => one.attentionMask),
    tokenTypeIds: lay((one) => one.typeIds),
    specialTokensMask: lay((one) => one.specialTokensMask),
    shape: [encodings.length, width],
    sampleIndices: Int32Array.from(samples),
    encodings,
  };
}

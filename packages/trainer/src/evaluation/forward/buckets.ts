/** Rows that go through the model together. */
export interface Bucket {
  /** Which rows. */
  readonly rows: readonly number[];
  /** The length to which they are padded. */
  readonly length: number;
}

/** Rounds a length up so that lengths near each other share one compiled program, at most an eighth more than asked. */
export function paddedLength(length: number, longest: number): number {
  const step = Math.max(8, 2 ** (Math.floor(Math.log2(Math.max(1, length))) - 3));
  return Math.max(length, Math.min(Math.ceil(length / step) * step, longest));
}

/**
 * Puts rows of like length together: little padding, few shapes to compile.
 *
 * @param lengths of every row
 * @param batchSize rows that go together
 * @param longest what a length is never padded beyond: the model's positions
 */
export function bucketRows(lengths: readonly number[], batchSize: number, longest: number): Bucket[] {
  const order = lengths.map((_, row) => row).sort((a, b) => lengths[b] - lengths[a] || a - b);
  const buckets: Bucket[] = [];
  for (let i = 0; i < order.length; i += batchSize) {
    const rows = order.slice(i, i + batchSize);
    buckets.push({ rows, length: paddedLength(lengths[rows[0]], longest) });
  }
  return buckets;
}

/** How numbers are spread: buckets of one width between the smallest and the largest. */
export interface Histogram {
  readonly minimum: number;
  readonly maximum: number;
  readonly count: number;
  readonly sum: number;
  readonly sumOfSquares: number;
  /** The right end of each bucket; the last is `maximum`. */
  readonly limits: readonly number[];
  readonly counts: readonly number[];
}

/**
 * Counts numbers into buckets; those that are not finite count for nothing.
 *
 * @returns undefined when there are no finite numbers
 */
export function histogramOf(values: ArrayLike<number>, buckets = 64): Histogram | undefined {
  let [minimum, maximum, count, sum, sumOfSquares] = [Infinity, -Infinity, 0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!Number.isFinite(value)) continue;
    if (value < minimum) minimum = value;
    if (value > maximum) maximum = value;
    count++;
    sum += value;
    sumOfSquares += value * value;
  }
  if (count === 0) return undefined;
  if (minimum === maximum) return { minimum, maximum, count, sum, sumOfSquares, limits: [maximum], counts: [count] };
  const width = (maximum - minimum) / buckets;
  const counts = new Array<number>(buckets).fill(0);
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) continue;
    counts[Math.min(buckets - 1, Math.floor((values[i] - minimum) / width))]++;
  }
  const limits = counts.map((_, i) => (i === buckets - 1 ? maximum : minimum + (i + 1) * width));
  return { minimum, maximum, count, sum, sumOfSquares, limits, counts };
}

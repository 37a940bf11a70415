import { createKey, foldIn, uniform } from '@tesserae/core';
import { metricInput } from './check-pairs';

/** Options of {@link bootstrapStandardError}. */
export interface BootstrapOptions {
  /** How many samples of samples are drawn: 1,000, or fewer (at least 100) for more than 5,000 samples. */
  readonly resamples?: number | undefined;
  /** Decides which: 0. */
  readonly seed?: number | undefined;
}

/** Numbers drawn in all, at most, unless `resamples` asks for more. */
const BUDGET = 5e6;

/**
 * How much a score hangs on which samples were taken: the spread of the score over samples drawn from them with
 * replacement.
 *
 * @param samples what the score is computed from
 * @param score a function of any number of samples
 * @param options how many times, and the seed
 * @returns the standard deviation of the score; NaN for fewer than two samples
 * @throws E_METRIC_INPUT when there are no samples
 *
 * Efron: "Bootstrap Methods: Another Look at the Jackknife" (1979).
 *
 * @example
 * ```ts
 * import { bootstrapStandardError } from '@tesserae/trainer';
 * const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;
 * const values = Array.from({ length: 400 }, (_, i) => i % 2); // half of them 1: error 0.5 / √400
 * console.log(bootstrapStandardError(values, mean).toFixed(2)); // → 0.03
 * ```
 */
export function bootstrapStandardError<S>(
  samples: readonly S[],
  score: (samples: readonly S[]) => number,
  options: BootstrapOptions = {},
): number {
  const { length } = samples;
  if (length === 0) throw metricInput('bootstrapStandardError', 'there are no samples', 'give at least two');
  if (length === 1) return NaN;
  const resamples = options.resamples ?? Math.max(100, Math.min(1000, Math.floor(BUDGET / length)));
  const key = createKey(options.seed ?? 0);
  let [count, mean, squares] = [0, 0, 0];
  for (let r = 0; r < resamples; r++) {
    const drawn = Array.from(
      uniform(foldIn(key, r), length),
      (u) => samples[Math.min(length - 1, Math.floor(u * length))],
    );
    const value = score(drawn);
    const step = value - mean; // Welford's recurrence
    mean += step / ++count;
    squares += step * (value - mean);
  }
  return Math.sqrt(squares / (count - 1));
}

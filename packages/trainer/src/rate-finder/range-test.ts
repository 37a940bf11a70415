/** A rate of the sweep and the loss that it met. */
export interface SweptRate {
  readonly learningRate: number;
  /** The batch's loss before the update with this rate. */
  readonly loss: number;
  /** The running average of the losses. */
  readonly smoothed: number;
}

/** The rate of update `index` of `steps` on an exponential sweep: from · (to / from)^(index / (steps - 1)). */
export const sweepRate = (index: number, steps: number, from: number, to: number): number =>
  from * (to / from) ** (steps === 1 ? 0 : index / (steps - 1));

/**
 * The exponential moving average of some losses without the pull of its start.
 *
 * a₀ = 0, aₜ = s·aₜ₋₁ + (1 - s)·xₜ, out = aₜ / (1 - sᵗ)
 */
export function smoothLosses(losses: readonly number[], smoothing: number): number[] {
  let average = 0;
  return losses.map((loss, i) => {
    average = smoothing * average + (1 - smoothing) * loss;
    return average / (1 - smoothing ** (i + 1));
  });
}

/** Rates that a sweep speaks for. */
export interface RateSuggestion {
  /** Where the smoothed loss falls fastest per factor of the rate: a rate to train with. */
  readonly steepest: number;
  /** Where the smoothed loss is lowest: already too high a rate. */
  readonly lowest: number;
}

/**
 * Reads a sweep: the rate with the steepest descent of the smoothed loss over the logarithm of the rate, before its lowest
 * point.
 *
 * @returns undefined when the loss never fell
 */
export function suggestRate(swept: readonly SweptRate[]): RateSuggestion | undefined {
  let bottom = 0;
  swept.forEach(({ smoothed }, i) => {
    if (smoothed < swept[bottom].smoothed) bottom = i;
  });
  let [steepest, slope] = [-1, 0];
  for (let i = 1; i <= bottom; i++) {
    const [before, after] = [swept[i - 1], swept[Math.min(i + 1, bottom)]];
    const rise = after.smoothed - before.smoothed;
    const width = Math.log(after.learningRate / before.learningRate);
    if (rise / width < slope) [steepest, slope] = [i, rise / width];
  }
  if (steepest < 0) return undefined;
  return { steepest: swept[steepest].learningRate, lowest: swept[bottom].learningRate };
}

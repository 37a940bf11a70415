import { checkPairs, metricInput } from './check-pairs';

/** The predictions whose confidence lies in (low, high]. */
export interface CalibrationBin {
  readonly low: number;
  readonly high: number;
  readonly count: number;
  /** Mean confidence; 0 where the bin is empty. */
  readonly confidence: number;
  /** Share that is right; 0 where the bin is empty. */
  readonly accuracy: number;
}

/** How far confidence lies from being right. */
export interface CalibrationError {
  /** The mean gap, weighted by how many predictions lie in each bin (ECE). */
  readonly expected: number;
  /** The largest gap (MCE). */
  readonly maximum: number;
  readonly bins: readonly CalibrationBin[];
}

/**
 * The gap between how sure a model is and how often it is right.
 *
 * ECE = Σ_b (n_b / N) |accuracy_b - confidence_b| over bins of equal width
 *
 * @param confidences [N], the probability of each prediction, from 0 to 1
 * @param correct [N], whether it was right
 * @param bins how many bins: 15
 * @returns expected and maximum error, and the bins, which make a reliability diagram
 * @throws E_METRIC_INPUT when the lists do not fit together or hold something else than probabilities
 *
 * Guo et al.: "On Calibration of Modern Neural Networks" (2017), section 2.
 *
 * @example
 * ```ts
 * import { calibrationError } from '@tesserae/trainer';
 * console.log(calibrationError([0.9, 0.9, 0.6, 0.6], [true, true, true, false]).expected.toFixed(2)); // → 0.10
 * ```
 */
export function calibrationError(
  confidences: ArrayLike<number>,
  correct: ArrayLike<boolean | number>,
  bins: number = 15,
): CalibrationError {
  checkPairs('calibrationError', ['confidences', confidences], ['correct', correct]);
  if (!Number.isSafeInteger(bins) || bins < 1)
    throw metricInput('calibrationError', `bins is ${String(bins)}`, 'use a whole number such as 15');
  const sums = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, right: 0 }));
  for (let i = 0; i < confidences.length; i++) {
    const confidence = confidences[i];
    if (!(confidence >= 0 && confidence <= 1))
      throw metricInput('calibrationError', `confidence ${i} is ${confidence}`, 'give probabilities from 0 to 1');
    const bin = sums[Math.max(0, Math.ceil(confidence * bins) - 1)];
    bin.count++;
    bin.confidence += confidence;
    bin.right += correct[i] ? 1 : 0;
  }
  const found = sums.map(({ count, confidence, right }, i) => ({
    low: i / bins,
    high: (i + 1) / bins,
    count,
    confidence: count === 0 ? 0 : confidence / count,
    accuracy: count === 0 ? 0 : right / count,
  }));
  const gaps = found.map(({ confidence, accuracy }) => Math.abs(confidence - accuracy));
  return {
    expected: gaps.reduce((sum, gap, i) => sum + (gap * found[i].count) / confidences.length, 0),
    maximum: Math.max(...gaps),
    bins: found,
  };
}

import { softmax } from '../sample';
import { kthLargest } from './kth-largest';
import { checkShare, countToKeep } from './processor';
import type { FilterOptions, LogitsProcessor } from './processor';

/**
 * Epsilon sampling: removes the tokens whose probability is below ε.
 *
 * @param epsilon above 0 and below 1; 3e-4 to 9e-4 are usual
 * @param options `minTokensToKeep`: keep at least so many (default 1)
 * @returns the processor
 * @throws E_GENERATION_OPTION when ε is not between 0 and 1
 * @see `EpsilonLogitsWarper` of transformers; Hewitt, Manning, Liang, "Truncation Sampling as Language Model Desmoothing"
 *   (2022), section 4.2
 * @example
 * ```ts
 * import { epsilonProcessor } from '@tesserae/core';
 * const logits = new Float32Array([0, 3, 2]);
 * epsilonProcessor(0.1)(logits, { ids: [] });
 * console.log(logits); // → Float32Array(3) [ -Infinity, 3, 2 ]
 * ```
 */
export function epsilonProcessor(epsilon: number, options: FilterOptions = {}): LogitsProcessor {
  checkShare('epsilonCutoff', epsilon);
  const keep = countToKeep(options);
  return (logits) => removeBelow(logits, softmax(logits), epsilon, keep);
}

/** Removes tokens whose probability is below the threshold, but for the `keep` most likely ones. */
export function removeBelow(logits: Float32Array, probabilities: Float32Array, threshold: number, keep: number): void {
  const kept = kthLargest(logits, Math.min(keep, logits.length));
  for (let i = 0; i < logits.length; i++) if (probabilities[i] < threshold && logits[i] < kept) logits[i] = -Infinity;
}

import { checkCount, checkNumber, idList } from './processor';
import type { LogitsProcessor } from './processor';

/**
 * Makes the end of the text more likely with every token after a number of new tokens:
 * logit + |logit| · (factor^(count − start) − 1).
 *
 * @param start after how many new tokens it begins
 * @param factor above 1 shortens texts
 * @param stopTokens the end-of-text tokens
 * @returns the processor
 * @throws E_GENERATION_OPTION when start is no whole number from 0 up, or factor no finite number
 * @see `ExponentialDecayLengthPenalty` of transformers
 * @example
 * ```ts
 * import { exponentialDecayLengthProcessor } from '@tesserae/core';
 * const logits = new Float32Array([1, 1, -4]);
 * exponentialDecayLengthProcessor(1, 1.5, 2)(logits, { ids: [0, 0] });
 * console.log(logits); // → Float32Array(3) [ 1, 1, -2 ]
 * ```
 */
export function exponentialDecayLengthProcessor(
  start: number,
  factor: number,
  stopTokens: number | readonly number[],
): LogitsProcessor {
  checkCount('exponentialDecayLengthPenalty', start, 0);
  checkNumber('exponentialDecayLengthPenalty', factor);
  const ends = idList('stopTokens', stopTokens);
  return (logits, { ids, promptLength = 0 }) => {
    const over = ids.length - promptLength - start;
    if (over > 0) for (const id of ends) logits[id] += Math.abs(logits[id]) * (factor ** over - 1);
  };
}

import { checkNumber } from './processor';
import type { LogitsProcessor } from './processor';

/**
 * Makes new tokens that came up already less likely, once however often: logit − penalty · [count > 0]. The prompt does
 * not count.
 *
 * @param penalty usually −2 to 2; below 0 encourages repetition
 * @returns the processor
 * @throws E_GENERATION_OPTION when the penalty is no finite number
 * @see OpenAI's `presence_penalty`
 * @example
 * ```ts
 * import { presencePenaltyProcessor } from '@tesserae/core';
 * const logits = new Float32Array([1, 1, 1]);
 * presencePenaltyProcessor(0.5)(logits, { ids: [2, 0, 0], promptLength: 1 });
 * console.log(logits); // → Float32Array(3) [ 0.5, 1, 1 ]
 * ```
 */
export function presencePenaltyProcessor(penalty: number): LogitsProcessor {
  checkNumber('presencePenalty', penalty);
  return (logits, { ids, promptLength = 0 }) => {
    for (const id of new Set(ids.slice(promptLength))) logits[id] -= penalty;
  };
}

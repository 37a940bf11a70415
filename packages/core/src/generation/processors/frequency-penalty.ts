import { checkNumber } from './processor';
import type { LogitsProcessor } from './processor';

/**
 * Makes new tokens less likely the oftener they came up: logit − penalty · count. The prompt does not count.
 *
 * @param penalty usually −2 to 2; below 0 encourages repetition
 * @returns the processor
 * @throws E_GENERATION_OPTION when the penalty is no finite number
 * @see OpenAI's `frequency_penalty`
 * @example
 * ```ts
 * import { frequencyPenaltyProcessor } from '@tesserae/core';
 * const logits = new Float32Array([1, 1, 1]);
 * frequencyPenaltyProcessor(0.5)(logits, { ids: [2, 0, 0], promptLength: 1 });
 * console.log(logits); // → Float32Array(3) [ 0, 1, 1 ]
 * ```
 */
export function frequencyPenaltyProcessor(penalty: number): LogitsProcessor {
  checkNumber('frequencyPenalty', penalty);
  return (logits, { ids, promptLength = 0 }) => {
    const counts = new Map<number, number>();
    for (const id of ids.slice(promptLength)) counts.set(id, (counts.get(id) ?? 0) + 1);
    for (const [id, count] of counts) logits[id] -= penalty * count;
  };
}

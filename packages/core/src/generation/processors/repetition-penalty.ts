import { refuseOption } from './processor';
import type { LogitsProcessor } from './processor';

/**
 * Makes tokens that stand in the text already (prompt included) less likely: positive logits are divided by the penalty,
 * negative ones multiplied, once however often the token stands there.
 *
 * @param penalty above 0; 1 changes nothing, below 1 encourages repetition
 * @returns the processor
 * @throws E_GENERATION_OPTION when the penalty is not above 0
 * @see `RepetitionPenaltyLogitsProcessor` of transformers (which also counts a row's padding; this does not); Keskar et
 *   al., "CTRL" (2019), section 4.1
 * @example
 * ```ts
 * import { repetitionPenaltyProcessor } from '@tesserae/core';
 * const logits = new Float32Array([2, -2, 5]);
 * repetitionPenaltyProcessor(2)(logits, { ids: [0, 1, 0] });
 * console.log(logits); // → Float32Array(3) [ 1, -4, 5 ]
 * ```
 */
export function repetitionPenaltyProcessor(penalty: number): LogitsProcessor {
  if (!(penalty > 0 && Number.isFinite(penalty))) refuseOption('repetitionPenalty', penalty, 'a number above 0');
  return (logits, { ids }) => {
    for (const id of new Set(ids)) logits[id] = logits[id] < 0 ? logits[id] * penalty : logits[id] / penalty;
  };
}

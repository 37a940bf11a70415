import { refuseOption } from './processor';
import type { LogitsProcessor } from './processor';

/**
 * Makes tokens of the encoder's text more likely, against invention: positive logits are multiplied by the penalty,
 * negative ones divided. Without encoder ids it does nothing.
 *
 * @param penalty above 0; 1 changes nothing
 * @returns the processor
 * @throws E_GENERATION_OPTION when the penalty is not above 0
 * @see `EncoderRepetitionPenaltyLogitsProcessor` of transformers
 * @example
 * ```ts
 * import { encoderRepetitionPenaltyProcessor } from '@tesserae/core';
 * const logits = new Float32Array([2, -2, 5]);
 * encoderRepetitionPenaltyProcessor(2)(logits, { ids: [], encoderIds: [0, 1] });
 * console.log(logits); // → Float32Array(3) [ 4, -1, 5 ]
 * ```
 */
export function encoderRepetitionPenaltyProcessor(penalty: number): LogitsProcessor {
  if (!(penalty > 0 && Number.isFinite(penalty))) refuseOption('encoderRepetitionPenalty', penalty, 'a number above 0');
  return (logits, { encoderIds = [] }) => {
    for (const id of new Set(encoderIds)) logits[id] = logits[id] < 0 ? logits[id] / penalty : logits[id] * penalty;
  };
}

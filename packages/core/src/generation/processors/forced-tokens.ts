import { checkCount, idList } from './processor';
import type { LogitsProcessor } from './processor';

function force(logits: Float32Array, ids: readonly number[]): void {
  logits.fill(-Infinity);
  for (const id of ids) logits[id] = 0;
}

/**
 * Forces the token after a text of one token, as multilingual translators use it: the decoder's first new token.
 *
 * @param id the token
 * @returns the processor
 * @throws E_GENERATION_OPTION when it is no token id
 * @see `ForcedBOSTokenLogitsProcessor` of transformers
 * @example
 * ```ts
 * import { forcedBosProcessor } from '@tesserae/core';
 * const logits = new Float32Array([1, 1, 1]);
 * forcedBosProcessor(2)(logits, { ids: [0] });
 * console.log(logits); // → Float32Array(3) [ -Infinity, -Infinity, 0 ]
 * ```
 */
export function forcedBosProcessor(id: number): LogitsProcessor {
  const forced = idList('forcedBosTokenId', id);
  return (logits, { ids }) => {
    if (ids.length === 1) force(logits, forced);
  };
}

/**
 * Forces an end-of-text token as the last new token.
 *
 * @param maxNewTokens how many new tokens there will be at most
 * @param id the token, or several that stay equally likely
 * @returns the processor
 * @throws E_GENERATION_OPTION when the number is below 1, or for an id that is none
 * @see `ForcedEOSTokenLogitsProcessor` of transformers
 * @example
 * ```ts
 * import { forcedEosProcessor } from '@tesserae/core';
 * const logits = new Float32Array([1, 1, 1]);
 * forcedEosProcessor(2, 1)(logits, { ids: [0, 0, 0], promptLength: 2 });
 * console.log(logits); // → Float32Array(3) [ -Infinity, 0, -Infinity ]
 * ```
 */
export function forcedEosProcessor(maxNewTokens: number, id: number | readonly number[]): LogitsProcessor {
  checkCount('maxNewTokens', maxNewTokens, 1);
  const forced = idList('forcedEosTokenId', id);
  return (logits, { ids, promptLength = 0 }) => {
    if (ids.length - promptLength === maxNewTokens - 1) force(logits, forced);
  };
}

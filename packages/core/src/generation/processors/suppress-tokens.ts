import { checkIds } from './processor';
import type { LogitsProcessor } from './processor';

/**
 * Removes tokens everywhere.
 *
 * @param tokens their ids
 * @returns the processor
 * @throws E_GENERATION_OPTION when they are no list of ids
 * @see `SuppressTokensLogitsProcessor` of transformers
 * @example
 * ```ts
 * import { suppressTokensProcessor } from '@tesserae/core';
 * const logits = new Float32Array([1, 1, 1]);
 * suppressTokensProcessor([0, 2])(logits, { ids: [] });
 * console.log(logits); // → Float32Array(3) [ -Infinity, 1, -Infinity ]
 * ```
 */
export function suppressTokensProcessor(tokens: readonly number[]): LogitsProcessor {
  const removed = checkIds('suppressTokens', tokens);
  return (logits) => {
    for (const id of removed) if (id < logits.length) logits[id] = -Infinity;
  };
}

/**
 * Removes tokens as the first new token.
 *
 * @param tokens their ids
 * @param index which new token, from 0; 1 where the first one is forced
 * @returns the processor
 * @throws E_GENERATION_OPTION when they are no list of ids
 * @see `SuppressTokensAtBeginLogitsProcessor` of transformers
 * @example
 * ```ts
 * import { beginSuppressTokensProcessor } from '@tesserae/core';
 * const logits = new Float32Array([1, 1, 1]);
 * beginSuppressTokensProcessor([0])(logits, { ids: [2], promptLength: 1 });
 * console.log(logits); // → Float32Array(3) [ -Infinity, 1, 1 ]
 * ```
 */
export function beginSuppressTokensProcessor(tokens: readonly number[], index: number = 0): LogitsProcessor {
  const removed = checkIds('beginSuppressTokens', tokens);
  return (logits, { ids, promptLength = 0 }) => {
    if (ids.length - promptLength !== index) return;
    for (const id of removed) if (id < logits.length) logits[id] = -Infinity;
  };
}

import { checkCount, idList } from './processor';
import type { LogitsProcessor } from './processor';

/**
 * Removes the end-of-text tokens while the text, prompt included, is shorter than a length.
 *
 * @param minLength in tokens
 * @param stopTokens the end-of-text tokens
 * @returns the processor
 * @throws E_GENERATION_OPTION when the length is no whole number from 0 up
 * @see `MinLengthLogitsProcessor` of transformers (which also counts a row's padding; this does not)
 * @example
 * ```ts
 * import { minLengthProcessor } from '@tesserae/core';
 * const logits = new Float32Array([1, 1, 1]);
 * minLengthProcessor(3, 2)(logits, { ids: [0, 0] });
 * console.log(logits); // → Float32Array(3) [ 1, 1, -Infinity ]
 * ```
 */
export function minLengthProcessor(minLength: number, stopTokens: number | readonly number[]): LogitsProcessor {
  checkCount('minLength', minLength, 0);
  const ends = idList('stopTokens', stopTokens);
  return (logits, { ids }) => {
    if (ids.length < minLength) for (const id of ends) logits[id] = -Infinity;
  };
}

/**
 * Removes the end-of-text tokens while there are fewer new tokens than a number.
 *
 * @param minNewTokens how many new tokens there shall be at least
 * @param stopTokens the end-of-text tokens
 * @returns the processor
 * @throws E_GENERATION_OPTION when the number is no whole number from 0 up
 * @see `MinNewTokensLengthLogitsProcessor` of transformers
 * @example
 * ```ts
 * import { minNewTokensProcessor } from '@tesserae/core';
 * const logits = new Float32Array([1, 1, 1]);
 * minNewTokensProcessor(1, 2)(logits, { ids: [0, 0], promptLength: 2 });
 * console.log(logits); // → Float32Array(3) [ 1, 1, -Infinity ]
 * ```
 */
export function minNewTokensProcessor(minNewTokens: number, stopTokens: number | readonly number[]): LogitsProcessor {
  checkCount('minNewTokens', minNewTokens, 0);
  const ends = idList('stopTokens', stopTokens);
  return (logits, { ids, promptLength = 0 }) => {
    if (ids.length - promptLength < minNewTokens) for (const id of ends) logits[id] = -Infinity;
  };
}

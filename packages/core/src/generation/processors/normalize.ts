import { logSoftmax } from '../log-softmax';
import type { LogitsProcessor } from './processor';

/**
 * Turns logits into log-probabilities: x − ln Σ exp x. The last of all processors where it is used.
 *
 * @returns the processor
 * @see `LogitNormalization` of transformers
 * @example
 * ```ts
 * import { normalizeProcessor } from '@tesserae/core';
 * const logits = new Float32Array([3, 3]);
 * normalizeProcessor()(logits, { ids: [] });
 * console.log(logits[0].toFixed(4)); // → -0.6931
 * ```
 */
export function normalizeProcessor(): LogitsProcessor {
  return (logits) => logits.set(logSoftmax(logits));
}

/**
 * Replaces what is no finite number: NaN by 0, +∞ and −∞ by the largest and smallest float32.
 *
 * @returns the processor
 * @see `InfNanRemoveLogitsProcessor` of transformers
 * @example
 * ```ts
 * import { removeInvalidProcessor } from '@tesserae/core';
 * const logits = new Float32Array([NaN, 1]);
 * removeInvalidProcessor()(logits, { ids: [] });
 * console.log(logits); // → Float32Array(2) [ 0, 1 ]
 * ```
 */
export function removeInvalidProcessor(): LogitsProcessor {
  const largest = (2 - 2 ** -23) * 2 ** 127;
  return (logits) => {
    for (let i = 0; i < logits.length; i++)
      logits[i] = Number.isNaN(logits[i]) ? 0 : Math.max(-largest, Math.min(largest, logits[i]));
  };
}

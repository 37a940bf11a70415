import { checkCount } from './processor';
import type { LogitsProcessor } from './processor';

/**
 * Removes every token that would complete a sequence of n tokens that stands in the encoder's text.
 *
 * @param size n, from 1 up
 * @returns the processor
 * @throws E_GENERATION_OPTION when the size is no whole number from 1 up
 * @see `EncoderNoRepeatNGramLogitsProcessor` of transformers
 * @example
 * ```ts
 * import { encoderNoRepeatNgramProcessor } from '@tesserae/core';
 * const logits = new Float32Array([1, 1, 1]);
 * encoderNoRepeatNgramProcessor(2)(logits, { ids: [0], encoderIds: [0, 2] });
 * console.log(logits); // → Float32Array(3) [ 1, 1, -Infinity ]
 * ```
 */
export function encoderNoRepeatNgramProcessor(size: number): LogitsProcessor {
  checkCount('encoderNoRepeatNgramSize', size, 1);
  return (logits, { ids, encoderIds = [] }) => {
    const prefix = size - 1;
    const last = ids.length - prefix;
    if (last < 0) return;
    for (let start = 0; start + prefix < encoderIds.length; start++) {
      let same = true;
      for (let i = 0; i < prefix && same; i++) same = encoderIds[start + i] === ids[last + i];
      if (same) logits[encoderIds[start + prefix]] = -Infinity;
    }
  };
}

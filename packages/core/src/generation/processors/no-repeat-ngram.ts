import { checkCount } from './processor';
import type { LogitsProcessor } from './processor';

/**
 * Removes every token that would complete a sequence of n tokens that stands in the text already (prompt included).
 *
 * @param size n, from 1 up
 * @returns the processor
 * @throws E_GENERATION_OPTION when the size is no whole number from 1 up
 * @see `NoRepeatNGramLogitsProcessor` of transformers; Paulus et al., "A Deep Reinforced Model for Abstractive
 *   Summarization" (2017), section 2.5
 * @example
 * ```ts
 * import { noRepeatNgramProcessor } from '@tesserae/core';
 * const logits = new Float32Array([1, 1, 1]);
 * noRepeatNgramProcessor(2)(logits, { ids: [0, 2, 0] });
 * console.log(logits); // → Float32Array(3) [ 1, 1, -Infinity ]
 * ```
 */
export function noRepeatNgramProcessor(size: number): LogitsProcessor {
  checkCount('noRepeatNgramSize', size, 1);
  return (logits, { ids }) => {
    const prefix = size - 1;
    const last = ids.length - prefix;
    for (let start = 0; start < last; start++) {
      let same = true;
      for (let i = 0; i < prefix && same; i++) same = ids[start + i] === ids[last + i];
      if (same) logits[ids[start + prefix]] = -Infinity;
    }
  };
}

import { kthLargest } from './kth-largest';
import { checkCount, countToKeep } from './processor';
import type { FilterOptions, LogitsProcessor } from './processor';

/**
 * Keeps the k most likely tokens and removes the others; tokens as likely as the k-th stay.
 *
 * @param k how many, from 1 up; more than there are keeps all
 * @param options `minTokensToKeep`: keep at least so many (default 1)
 * @returns the processor
 * @throws E_GENERATION_OPTION when k is no whole number from 1 up
 * @see `TopKLogitsWarper` of transformers; Fan, Lewis, Dauphin, "Hierarchical Neural Story Generation" (2018), section 5.4
 * @example
 * ```ts
 * import { topKProcessor } from '@tesserae/core';
 * const logits = new Float32Array([1, 3, 2]);
 * topKProcessor(2)(logits, { ids: [] });
 * console.log(logits); // → Float32Array(3) [ -Infinity, 3, 2 ]
 * ```
 */
export function topKProcessor(k: number, options: FilterOptions = {}): LogitsProcessor {
  const wanted = Math.max(checkCount('topK', k, 1), countToKeep(options));
  return (logits) => {
    if (wanted >= logits.length) return;
    const threshold = kthLargest(logits, wanted);
    for (let i = 0; i < logits.length; i++) if (logits[i] < threshold) logits[i] = -Infinity;
  };
}

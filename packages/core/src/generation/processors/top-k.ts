import { checkCount } from './processor';
import type { LogitsProcessor } from './processor';

/** The k-th largest value, by keeping the k best in a heap whose root is the smallest of them. */
function kthLargest(values: Float32Array, k: number): number {
  const heap = values.slice(0, k);
  const sink = (from: number): void => {
    for (let parent = from; ;) {
      let child = 2 * parent + 1;
      if (child >= k) return;
      if (child + 1 < k && heap[child + 1] < heap[child]) child++;
      if (heap[parent] <= heap[child]) return;
      [heap[parent], heap[child]] = [heap[child], heap[parent]];
      parent = child;
    }
  };
  for (let i = (k >> 1) - 1; i >= 0; i--) sink(i);
  for (let i = k; i < values.length; i++) {
    if (values[i] > heap[0]) {
      heap[0] = values[i];
      sink(0);
    }
  }
  return heap[0];
}

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
export function topKProcessor(k: number, options: { readonly minTokensToKeep?: number } = {}): LogitsProcessor {
  const wanted = Math.max(checkCount('topK', k, 1), checkCount('minTokensToKeep', options.minTokensToKeep ?? 1, 1));
  return (logits) => {
    if (wanted >= logits.length) return;
    const threshold = kthLargest(logits, wanted);
    for (let i = 0; i < logits.length; i++) if (logits[i] < threshold) logits[i] = -Infinity;
  };
}

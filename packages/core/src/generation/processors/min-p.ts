import { kthLargest } from './kth-largest';
import { countToKeep, refuseOption } from './processor';
import type { FilterOptions, LogitsProcessor } from './processor';

/**
 * Keeps the tokens that are at least `minP` times as likely as the most likely one: p ≥ minP · max p, which in logits is
 * x ≥ max x + ln minP.
 *
 * @param minP from 0 (keeps all) to 1 (keeps the most likely)
 * @param options `minTokensToKeep`: keep at least so many (default 1)
 * @returns the processor
 * @throws E_GENERATION_OPTION when minP is not between 0 and 1
 * @see `MinPLogitsWarper` of transformers; Nguyen et al., "Turning Up the Heat: Min-p Sampling" (2024), section 3
 * @example
 * ```ts
 * import { minPProcessor } from '@tesserae/core';
 * const logits = new Float32Array([0, 3, 2]);
 * minPProcessor(0.2)(logits, { ids: [] });
 * console.log(logits); // → Float32Array(3) [ -Infinity, 3, 2 ]
 * ```
 */
export function minPProcessor(minP: number, options: FilterOptions = {}): LogitsProcessor {
  if (!(minP >= 0 && minP <= 1)) refuseOption('minP', minP, 'a number from 0 to 1');
  const keep = countToKeep(options);
  return (logits) => {
    const kept = kthLargest(logits, Math.min(keep, logits.length));
    const max = keep === 1 ? kept : kthLargest(logits, 1);
    const threshold = Math.min(max + Math.log(minP), kept);
    for (let i = 0; i < logits.length; i++) if (logits[i] < threshold) logits[i] = -Infinity;
  };
}

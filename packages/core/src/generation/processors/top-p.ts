import { softmax } from '../sample';
import { countToKeep, refuseOption } from './processor';
import type { FilterOptions, LogitsProcessor } from './processor';

/**
 * Nucleus sampling: keeps the smallest set of most likely tokens whose probabilities sum to p or more. A token is removed
 * when it and all less likely ones together have a probability of at most 1 − p.
 *
 * @param p between 0 and 1; 1 keeps all
 * @param options `minTokensToKeep`: keep at least so many (default 1)
 * @returns the processor
 * @throws E_GENERATION_OPTION when p is not between 0 and 1
 * @see `TopPLogitsWarper` of transformers; Holtzman et al., "The Curious Case of Neural Text Degeneration" (2020), section 3.1
 * @example
 * ```ts
 * import { topPProcessor } from '@tesserae/core';
 * const logits = new Float32Array([0, 3, 2]);
 * topPProcessor(0.6)(logits, { ids: [] });
 * console.log(logits); // → Float32Array(3) [ -Infinity, 3, -Infinity ]
 * ```
 */
export function topPProcessor(p: number, options: FilterOptions = {}): LogitsProcessor {
  if (!(p >= 0 && p <= 1)) refuseOption('topP', p, 'a number from 0 to 1');
  const keep = countToKeep(options);
  return (logits) => {
    if (p === 1) return;
    const probabilities = softmax(logits); // [V]
    // Tokens below (1 − p) / V sum to less than 1 − p whatever their number: they go without being sorted.
    const floor = (1 - p) / logits.length;
    const candidates: number[] = [];
    let sum = 0;
    for (let i = 0; i < logits.length; i++) {
      if (probabilities[i] > floor) candidates.push(i);
      else sum += probabilities[i];
    }
    if (candidates.length < keep) return keepLargest(logits, keep);
    candidates.sort((a, b) => logits[a] - logits[b] || a - b);
    const kept = new Set(candidates);
    for (const i of candidates.slice(0, candidates.length - keep)) {
      if ((sum += probabilities[i]) > 1 - p) break;
      kept.delete(i);
    }
    for (let i = 0; i < logits.length; i++) if (!kept.has(i)) logits[i] = -Infinity;
  };
}

function keepLargest(logits: Float32Array, count: number): void {
  const order = Array.from(logits.keys()).sort((a, b) => logits[a] - logits[b] || a - b);
  for (const i of order.slice(0, Math.max(0, order.length - count))) logits[i] = -Infinity;
}

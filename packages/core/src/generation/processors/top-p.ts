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
    if (Number.isNaN(probabilities[0])) return keepLargest(logits, keep);
    const ranks = ranksOf(probabilities); // [V]
    // Whole ranks go while they sum to no more than 1 − p: only the rank in which they would pass it must be sorted.
    const sums = new Float64Array(rankCount);
    for (let i = 0; i < ranks.length; i++) sums[ranks[i]] += probabilities[i];
    let [edge, sum] = [0, 0];
    while (edge < rankCount && sum + sums[edge] <= 1 - p) sum += sums[edge++];
    const undecided: number[] = [];
    let above = 0;
    for (let i = 0; i < ranks.length; i++) {
      if (ranks[i] === edge) undecided.push(i);
      else if (ranks[i] > edge) above++;
    }
    if (above + undecided.length < keep) return keepLargest(logits, keep);
    undecided.sort((a, b) => logits[a] - logits[b] || a - b);
    for (let i = 0; i < ranks.length; i++) if (ranks[i] < edge) logits[i] = -Infinity;
    for (const i of undecided.slice(0, undecided.length - Math.max(0, keep - above))) {
      if ((sum += probabilities[i]) > 1 - p) break;
      logits[i] = -Infinity;
    }
  };
}

const rankShift = 19;
const rankCount = 4096;

/** Ranks that rise with the probabilities: of each number the exponent and four bits of the fraction. */
function ranksOf(probabilities: Float32Array): Uint16Array {
  const bits = new Uint32Array(probabilities.buffer, probabilities.byteOffset, probabilities.length);
  const ranks = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) ranks[i] = bits[i] >>> rankShift;
  return ranks;
}

function keepLargest(logits: Float32Array, count: number): void {
  const order = Array.from(logits.keys()).sort((a, b) => logits[a] - logits[b] || a - b);
  for (const i of order.slice(0, Math.max(0, order.length - count))) logits[i] = -Infinity;
}

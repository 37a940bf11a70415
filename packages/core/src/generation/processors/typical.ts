import { logSoftmax } from '../log-softmax';
import { checkShare, countToKeep } from './processor';
import type { FilterOptions, LogitsProcessor } from './processor';

/**
 * Locally typical sampling: keeps the tokens whose surprise is nearest to the surprise expected of the distribution, its
 * entropy H, until they have the given probability together: ordered by |−ln p − H|.
 *
 * @param mass the probability together, above 0 and below 1
 * @param options `minTokensToKeep`: keep at least so many (default 1)
 * @returns the processor
 * @throws E_GENERATION_OPTION when the mass is not between 0 and 1
 * @see `TypicalLogitsWarper` of transformers; Meister et al., "Locally Typical Sampling" (2023), section 4
 * @example
 * ```ts
 * import { typicalProcessor } from '@tesserae/core';
 * const logits = new Float32Array([0, 1, 1, 5]);
 * typicalProcessor(0.5)(logits, { ids: [] });
 * console.log(logits); // → Float32Array(4) [ -Infinity, -Infinity, -Infinity, 5 ]
 * ```
 */
export function typicalProcessor(mass: number, options: FilterOptions = {}): LogitsProcessor {
  checkShare('typicalP', mass);
  const keep = countToKeep(options);
  return (logits) => {
    const logProbabilities = logSoftmax(logits); // [V]
    let entropy = 0;
    for (const value of logProbabilities) if (value > -Infinity) entropy -= value * Math.exp(value);
    const distance = logProbabilities.map((value) => Math.abs(-value - entropy)); // [V]
    const order = Array.from(distance.keys()).sort((a, b) => distance[a] - distance[b] || a - b);
    let sum = 0;
    let last = 0;
    while (last < order.length - 1 && (sum += Math.exp(logProbabilities[order[last]])) < mass) last++;
    const threshold = distance[order[last]];
    for (const i of order.slice(keep)) if (distance[i] > threshold) logits[i] = -Infinity;
  };
}

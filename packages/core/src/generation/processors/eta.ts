import { logSoftmax } from '../log-softmax';
import { removeBelow } from './epsilon';
import { checkShare, countToKeep } from './processor';
import type { FilterOptions, LogitsProcessor } from './processor';

/**
 * Eta sampling: removes the tokens whose probability is below η = min(ε, √ε · exp(−H)), H the entropy of the distribution.
 *
 * @param epsilon ε, above 0 and below 1
 * @param options `minTokensToKeep`: keep at least so many (default 1)
 * @returns the processor
 * @throws E_GENERATION_OPTION when ε is not between 0 and 1
 * @see `EtaLogitsWarper` of transformers; Hewitt, Manning, Liang, "Truncation Sampling as Language Model Desmoothing"
 *   (2022), section 4.3
 * @example
 * ```ts
 * import { etaProcessor } from '@tesserae/core';
 * const logits = new Float32Array([0, 3, 2]);
 * etaProcessor(0.1)(logits, { ids: [] });
 * console.log(logits); // → Float32Array(3) [ -Infinity, 3, 2 ]
 * ```
 */
export function etaProcessor(epsilon: number, options: FilterOptions = {}): LogitsProcessor {
  checkShare('etaCutoff', epsilon);
  const keep = countToKeep(options);
  return (logits) => {
    const logProbabilities = logSoftmax(logits); // [V]
    const probabilities = Float32Array.from(logProbabilities, Math.exp); // [V]
    let entropy = 0;
    for (const value of logProbabilities) if (value > -Infinity) entropy -= value * Math.exp(value);
    removeBelow(logits, probabilities, Math.min(epsilon, Math.sqrt(epsilon) * Math.exp(-entropy)), keep);
  };
}

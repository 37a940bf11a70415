import { checkIds, idList, refuseOption } from './processor';
import type { LogitsProcessor } from './processor';
import { sequenceBiasProcessor } from './sequence-bias';

/**
 * Removes every token that would complete one of the given sequences of tokens. A sequence that is an end-of-text token
 * alone is left out: the text may always end.
 *
 * @param badWords sequences of token ids
 * @param stopTokens the end-of-text tokens
 * @returns the processor
 * @throws E_GENERATION_OPTION when a sequence is empty or no list of ids
 * @see `NoBadWordsLogitsProcessor` of transformers
 * @example
 * ```ts
 * import { badWordsProcessor } from '@tesserae/core';
 * const logits = new Float32Array([1, 1, 1]);
 * badWordsProcessor([[0, 2], [1]])(logits, { ids: [0] });
 * console.log(logits); // → Float32Array(3) [ 1, -Infinity, -Infinity ]
 * ```
 */
export function badWordsProcessor(
  badWords: readonly (readonly number[])[],
  stopTokens: number | readonly number[] = [],
): LogitsProcessor {
  if (!Array.isArray(badWords)) refuseOption('badWords', JSON.stringify(badWords), 'a list of sequences of token ids');
  const ends = idList('stopTokens', stopTokens);
  const wanted = badWords
    .map((sequence: readonly number[]) => checkIds('badWords', sequence))
    .filter((sequence) => sequence.length !== 1 || !ends.includes(sequence[0]));
  return sequenceBiasProcessor(
    wanted.map((sequence) => [sequence, -Infinity]),
    'badWords',
  );
}

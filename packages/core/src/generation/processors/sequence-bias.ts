import { checkIds, refuseOption } from './processor';
import type { LogitsProcessor } from './processor';

/** Token ids, and what is added to the logit of the last of them where the others stand at the end of the text. */
export type SequenceBias = readonly (readonly [ids: readonly number[], bias: number])[];

/** Whether the text ends with all but the last token of a sequence. */
function mayComplete(ids: readonly number[], sequence: readonly number[]): boolean {
  const start = ids.length - (sequence.length - 1);
  if (start < 0) return false;
  for (let i = 0; i < sequence.length - 1; i++) if (ids[start + i] !== sequence[i]) return false;
  return true;
}

/**
 * Adds a number to the logit of a token where it would complete a sequence of tokens; a sequence of one token always
 * counts.
 *
 * @param biases pairs of a sequence and its bias; of two with the same sequence the later counts
 * @param name what the option is called in messages
 * @returns the processor
 * @throws E_GENERATION_OPTION when a sequence is empty or no list of ids, or a bias is not a number
 * @see `SequenceBiasLogitsProcessor` of transformers
 * @example
 * ```ts
 * import { sequenceBiasProcessor } from '@tesserae/core';
 * const logits = new Float32Array([1, 1, 1]);
 * sequenceBiasProcessor([[[0, 2], 4], [[1], -1], [[2, 0], 9]])(logits, { ids: [0] });
 * console.log(logits); // → Float32Array(3) [ 1, 0, 5 ]
 * ```
 */
export function sequenceBiasProcessor(biases: SequenceBias, name: string = 'sequenceBias'): LogitsProcessor {
  if (!Array.isArray(biases)) refuseOption(name, JSON.stringify(biases), 'a list of sequences with their bias');
  const known = new Map<string, { readonly sequence: readonly number[]; readonly bias: number }>();
  for (const pair of biases) {
    const [ids, bias] = Array.isArray(pair) ? pair : [pair as unknown as readonly number[], NaN];
    const sequence = checkIds(name, ids);
    if (sequence.length === 0) refuseOption(name, '[]', 'sequences of at least one token');
    if (typeof bias !== 'number' || Number.isNaN(bias)) refuseOption(name, String(bias), 'a number for each sequence');
    known.set(sequence.join(), { sequence, bias });
  }
  return (logits, { ids }) => {
    for (const { sequence, bias } of known.values()) {
      const last = sequence[sequence.length - 1];
      if (last < logits.length && mayComplete(ids, sequence)) logits[last] += bias;
    }
  };
}

/**
 * Adds a number to the logits of single tokens: `logit_bias` as OpenAI has it.
 *
 * @param biases token id → number; −Infinity removes the token
 * @returns the processor
 * @throws E_GENERATION_OPTION when a key is no token id or a value no number
 * @example
 * ```ts
 * import { logitBiasProcessor } from '@tesserae/core';
 * const logits = new Float32Array([1, 1, 1]);
 * logitBiasProcessor({ 0: 2, 2: -Infinity })(logits, { ids: [] });
 * console.log(logits); // → Float32Array(3) [ 3, 1, -Infinity ]
 * ```
 */
export function logitBiasProcessor(biases: Readonly<Record<number, number>>): LogitsProcessor {
  if (typeof biases !== 'object' || biases === null) refuseOption('logitBias', biases, 'an object from id to number');
  const pairs = Object.entries(biases).map(([id, bias]) => [[Number(id)], bias] as const);
  return sequenceBiasProcessor(pairs, 'logitBias');
}

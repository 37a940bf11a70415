import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions } from '../options';
import type { Objective } from './objective';
import { badLearner, badRows, checkRows, learnersTokenizer, requireLearnersHead } from './objective-errors';
import { longestRow, preparePadded } from './padded-rows';
import { labelLoss } from './token-loss';

/** A text and what should become of it. */
export interface SequencePair {
  readonly source: string;
  readonly target: string;
}

/** Options of {@link sequenceToSequence}: none yet. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- the place where options will stand
export interface SequenceToSequenceOptions {}

/**
 * Learning to make one text out of another: the encoder reads the source, the decoder learns to write the target.
 *
 * The decoder is given the target one place to the right, after the decoder's start token, and has to name each token of it
 * and the end-of-sequence token. The source is read as the tokenizer gives it, as it is when generating. The data is a list of `{ source, target }`.
 *
 * @param options none yet
 * @returns the objective, for `train(model, { data: pairs, objective, … })` with an encoder-decoder
 * @throws E_UNKNOWN_OPTION
 *
 * Sutskever et al.: "Sequence to Sequence Learning with Neural Networks" (2014); teacher forcing as transformers' T5.
 *
 * @example
 * ```ts
 * import { sequenceToSequence } from '@tesserae/trainer';
 * console.log(sequenceToSequence().name); // → sequence-to-sequence
 * ```
 */
export const sequenceToSequence: Plugin<
  'objective',
  'sequence-to-sequence',
  (options?: SequenceToSequenceOptions) => Objective
> = /* @__PURE__ */ definePlugin({
  kind: 'objective',
  name: 'sequence-to-sequence',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'Learning to make one text out of another',
  create: createSequenceToSequence,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'objective:sequence-to-sequence': typeof sequenceToSequence;
  }
}

const name = 'sequence-to-sequence';

function createSequenceToSequence(options: SequenceToSequenceOptions = {}): Objective {
  checkOptions<SequenceToSequenceOptions>(name, options, {});
  return {
    name,
    hyperparameters: {},
    packs: 'an encoder-decoder takes one sequence a row',
    prepare(model, data, settings) {
      requireLearnersHead(name, model, 'sequence-to-sequence');
      checkRows(name, data, 'pairs');
      const tokenizer = learnersTokenizer(name, model);
      const { padTokenId, decoderStartTokenId, eosTokenId } = model.config;
      const end = typeof eosTokenId === 'number' ? eosTokenId : eosTokenId?.[0];
      const start = decoderStartTokenId ?? padTokenId;
      if (typeof start !== 'number' || typeof end !== 'number')
        throw badLearner(name, 'the config has no decoderStartTokenId or no eosTokenId', 'give both to createModel');
      const longest = longestRow(model, settings);
      const encode = (text: string): number[] => Array.from(tokenizer.encode(text)).slice(0, longest);
      const encodeTarget = (text: string): number[] => {
        const ids = encode(text);
        return ids[ids.length - 1] === end ? ids : [...ids.slice(0, longest - 1), end];
      };
      const rows = data.map((row, i) => {
        const { source, target } = (row ?? {}) as Partial<SequencePair>;
        if (typeof source !== 'string' || typeof target !== 'string')
          throw badRows(name, `row ${i} is no pair of texts`, 'give { source, target }');
        const ids = encode(source); // as it is: generation encodes a text the same way
        if (ids.length === 0) throw badRows(name, `the source of row ${i} holds no token`, 'leave empty texts out');
        return { source: ids, target: encodeTarget(target) };
      });
      return preparePadded(model, settings, {
        objective: name,
        rows,
        ids: ({ source, target }) => [source, target],
        fillers: { inputIds: padTokenId ?? 0, decoderInputIds: padTokenId ?? 0, labels: -100 },
        masks: { inputIds: 'attentionMask' }, // the decoder sees no padding: it stands in its future
        make: ({ source, target }) => ({
          inputIds: source,
          decoderInputIds: [start, ...target.slice(0, -1)],
          labels: target,
        }),
      });
    },
    labelsTokens: true,
    loss: ({ logits }, { labels }) => labelLoss(logits, labels),
  };
}

import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import type { Model } from '@tesserae/core';
import { textIds } from '../data/streams/text-events';
import { checkOptions } from '../options';
import type { Objective } from './objective';
import { badLearner, badRows, checkRows, learnersTokenizer } from './objective-errors';
import { longestRow } from './padded-rows';
import { prepareRows } from './prepare-rows';
import { textPieces } from './text-rows';
import { labelLoss } from './token-loss';

/** Options of {@link causalLanguageModeling}: none so far. */
export type CausalLanguageModelingOptions = Readonly<Record<never, never>>;

/**
 * Learning to say the next token: what `train` does where it is given no objective.
 *
 * loss = mean over tokens of -log p(tokenₜ₊₁ | token₁ … tokenₜ). A text, ids, a dataset, a cache or a source of rows is learned
 * in windows, as without an objective. A list of texts is learned text by text, each a row of its own, and a text that is
 * longer than a row as several.
 *
 * @param options none
 * @returns the objective, for `train(model, { data, objective, … })`, and for those that are made of another one
 * @throws E_UNKNOWN_OPTION for options that it has not
 *
 * Radford et al.: "Improving Language Understanding by Generative Pre-Training" (2018), section 3.1.
 *
 * @example
 * ```ts
 * import { causalLanguageModeling } from '@tesserae/trainer';
 * console.log(causalLanguageModeling().name); // → causal-language-modeling
 * ```
 */
export const causalLanguageModeling: Plugin<
  'objective',
  'causal-language-modeling',
  (options?: CausalLanguageModelingOptions) => Objective
> = /* @__PURE__ */ definePlugin({
  kind: 'objective',
  name: 'causal-language-modeling',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'Learning to say the next token',
  create: createCausal,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'objective:causal-language-modeling': typeof causalLanguageModeling;
  }
}

const name = 'causal-language-modeling';

function createCausal(options: CausalLanguageModelingOptions = {}): Objective {
  checkOptions<CausalLanguageModelingOptions>(name, options, {});
  return {
    name,
    hyperparameters: {},
    packs: true,
    prepare(model, data, settings) {
      const { head } = model.config;
      if (head !== undefined && head !== 'causal-lm')
        throw badLearner(name, `${model.architecture.name} has the head '${head}'`, 'make the model without a head');
      checkRows(name, data, 'texts');
      const rows = data.flatMap((text, i) => piecesOf(model, text, i, longestRow(model, settings)));
      return prepareRows(model, settings, {
        objective: name,
        rows,
        ids: (piece) => [Array.from(piece)],
        fillers: { inputIds: model.config.padTokenId ?? 0, labels: -100 },
        masks: { inputIds: 'attentionMask' },
        make: (piece) => ({ inputIds: Array.from(piece.slice(0, -1)), labels: Array.from(piece.slice(1)) }),
      });
    },
    loss: ({ logits }, { labels }) => labelLoss(logits, labels),
  };
}

/** A text with its end, in pieces of a row, each with the token after it. */
function piecesOf(model: Model, text: unknown, index: number, longest: number): Int32Array[] {
  if (typeof text !== 'string') throw badRows(name, `row ${index} is ${typeof text}`, 'give a list of texts');
  const { eosTokenId } = model.config;
  const endId = typeof eosTokenId === 'number' ? eosTokenId : eosTokenId?.[0];
  const ids = textIds(text, { tokenizer: learnersTokenizer(name, model), column: 'text', endId });
  if (ids.length >= 2) return textPieces(ids, Math.min(longest, ids.length));
  throw badRows(name, `the text of row ${index} holds ${ids.length} tokens`, 'leave texts of less than two tokens out');
}

/** Whether `train` is given this objective for what it does without one: windows of a text, ids, a dataset or a source. */
export const isNextTokenDefault = (
  options: { readonly objective?: Objective; readonly data: unknown } | undefined,
): boolean =>
  options?.objective?.name === name && !(Array.isArray(options.data) && typeof options.data[0] !== 'number');

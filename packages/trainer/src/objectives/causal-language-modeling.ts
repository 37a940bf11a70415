import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import type { Model } from '@tesserae/core';
import { checkOptions } from '../options';
import type { Objective } from './objective';
import { badLearner, badRows, checkRows, learnersTokenizer } from './objective-errors';
import { longestRow, preparePadded } from './padded-rows';
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

/** Ids of a row, and the one behind it. */
type Piece = readonly number[];

function createCausal(options: CausalLanguageModelingOptions = {}): Objective {
  checkOptions<CausalLanguageModelingOptions>(name, options, {});
  return {
    name,
    hyperparameters: {},
    prepare(model, data, settings) {
      const { head } = model.config;
      if (head !== undefined && head !== 'causal-lm')
        throw badLearner(name, `${model.architecture.name} has the head '${head}'`, 'make the model without a head');
      checkRows(name, data, 'texts');
      const rows = data.flatMap((text, i) => piecesOf(model, text, i, longestRow(model, settings)));
      return preparePadded(model, settings, {
        objective: name,
        rows,
        ids: (piece) => [piece],
        fillers: { inputIds: model.config.padTokenId ?? 0, labels: -100 },
        masks: { inputIds: 'attentionMask' },
        make: (piece) => ({ inputIds: piece.slice(0, -1), labels: piece.slice(1) }),
      });
    },
    loss: ({ logits }, { labels }) => labelLoss(logits, labels),
  };
}

/** A text with its end, cut into rows that begin where the one before ends. */
function piecesOf(model: Model, text: unknown, index: number, longest: number): Piece[] {
  if (typeof text !== 'string') throw badRows(name, `row ${index} is ${typeof text}`, 'give a list of texts');
  const ids = Array.from(learnersTokenizer(name, model).encode(text));
  const { eosTokenId } = model.config;
  const end = typeof eosTokenId === 'number' ? eosTokenId : eosTokenId?.[0];
  if (end !== undefined && ids.length > 0 && ids[ids.length - 1] !== end) ids.push(end);
  if (ids.length < 2)
    throw badRows(
      name,
      `the text of row ${index} holds ${ids.length} tokens`,
      'leave texts of less than two tokens out',
    );
  const width = Number.isFinite(longest) ? longest : ids.length;
  return Array.from({ length: Math.ceil((ids.length - 1) / width) }, (_, i) =>
    ids.slice(i * width, (i + 1) * width + 1),
  );
}

/** Whether `train` takes an objective and data up as it does without an objective: windows of the next token. */
export const isNextTokenDefault = (objective: Objective | undefined, data: unknown): boolean =>
  objective?.name === name && !(Array.isArray(data) && typeof data[0] !== 'number');

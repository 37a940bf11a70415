import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import type { Model } from '@tesserae/core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import type { ChatTemplate } from '@tesserae/tokenizer';
import { checkOptions, rules } from '../options';
import { preferenceLoss, preferenceRules } from './losses/preference-loss';
import type { PairLogProbabilities, PreferenceLossOptions } from './losses/preference-loss';
import type { Objective } from './objective';
import { badLearner, checkRows } from './objective-errors';
import { longestRow, preparePadded } from './padded-rows';
import { readPreferences } from './preference-rows';
import { referenceScores } from './reference-scores';
import { labelLogProbabilities } from './token-loss';

/** Options of {@link preference}. */
export interface PreferenceOptions extends PreferenceLossOptions {
  /** The model that the policy is held to: the one that is trained, as it was at the beginning. */
  readonly reference?: Model;
  /** Learn to write the chosen answers besides, with this weight, which keeps their likelihood from falling: 0. */
  readonly supervisedWeight?: number;
  /** How conversations are written; the tokenizer's own when absent. */
  readonly chatTemplate?: ChatTemplate;
}

/**
 * Learning which of two answers is preferred, by direct preference optimization: the model is to prefer the chosen answer more
 * than it did, without a reward model and without sampling.
 *
 * The loss is that of {@link preferenceLoss} on the log-probabilities of whole answers. Those of the reference are computed
 * once, before the first step, and travel with the rows. With `supervisedWeight` the mean negative log-likelihood of the
 * chosen answers' tokens is added. The data is a list of `{ prompt, chosen, rejected }`.
 *
 * @param options the loss, the reference, and how conversations are written
 * @returns the objective, for `train(model, { data: pairs, objective, … })` with a model that only decodes
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be
 *
 * Rafailov et al.: "Direct Preference Optimization: Your Language Model is Secretly a Reward Model" (2023); Pang et al.:
 * "Iterative Reasoning Preference Optimization" (2024) for the supervised part; as `DPOTrainer` of TRL.
 *
 * @example
 * ```ts
 * import { preference } from '@tesserae/trainer';
 * console.log(preference({ beta: 0.2 }).hyperparameters); // → { beta: 0.2, loss: 'sigmoid', labelSmoothing: 0, supervisedWeight: 0 }
 * ```
 */
export const preference: Plugin<'objective', 'preference', (options?: PreferenceOptions) => Objective> =
  /* @__PURE__ */ definePlugin({
    kind: 'objective',
    name: 'preference',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Learning which of two answers is preferred',
    create: createPreference,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'objective:preference': typeof preference;
  }
}

const name = 'preference';

function createPreference(options: PreferenceOptions = {}): Objective {
  checkOptions<PreferenceOptions>(name, options, {
    ...preferenceRules,
    reference: { expected: 'a model', test: (value) => typeof (value as Model)?.architecture?.forward === 'function' },
    supervisedWeight: rules.nonNegative,
    chatTemplate: rules.object,
  });
  const { beta = 0.1, loss = 'sigmoid', labelSmoothing = 0, supervisedWeight = 0, chatTemplate, reference } = options;
  const supervised = supervisedWeight > 0;
  return {
    name,
    hyperparameters: { beta, loss, labelSmoothing, supervisedWeight },
    parts: supervised ? ['preference', 'supervised'] : ['preference'],
    packs: 'it scores whole answers, one a row',
    async prepare(model, data, settings) {
      if (model.architecture.encode !== undefined)
        throw badLearner(name, `${model.architecture.name} has an encoder`, 'use a model that only decodes');
      checkRows(name, data, 'prompts with a chosen and a rejected answer');
      const longest = longestRow(model, settings);
      const pairs = data.map((pair, i) => readPreferences(name, model, pair, i, longest, chatTemplate));
      const scores = await referenceScores(reference ?? model, pairs, settings);
      const pad = model.config.padTokenId ?? 0;
      return preparePadded(model, settings, {
        objective: name,
        rows: pairs.map((pair, i) => ({ ...pair, reference: scores[i] })),
        ids: ({ chosen, rejected }) => [chosen.inputIds, chosen.labels, rejected.inputIds, rejected.labels],
        fillers: { inputIds: pad, rejectedIds: pad, chosenLabels: -100, rejectedLabels: -100 },
        masks: {}, // padding stands on the right, where no token looks
        floats: ['reference'],
        alike: ['inputIds', 'chosenLabels', 'rejectedIds', 'rejectedLabels'],
        make: ({ chosen, rejected, reference: score }) => ({
          inputIds: chosen.inputIds,
          chosenLabels: chosen.labels,
          rejectedIds: rejected.inputIds,
          rejectedLabels: rejected.labels,
          reference: score,
        }),
      });
    },
    losses(run, { inputIds, chosenLabels, rejectedIds, rejectedLabels, reference: before }): Record<string, Scalar> {
      const labels = tf.concat([chosenLabels, rejectedLabels], 0); // [2B, T]
      const { logits } = run.forward({ inputIds: tf.concat([inputIds, rejectedIds], 0) }); // [2B, T, V]
      const now = labelLogProbabilities(logits, labels); // [2B]
      const tokens = tf.sum(tf.cast(tf.notEqual(labels, tf.scalar(-100, 'int32')), 'float32'), 1); // [2B]
      const [chosenBefore, rejectedBefore] = tf.split(before, 2, 1).map((column) => tf.reshape(column, [-1])); // [B] each
      const old = tf.concat([chosenBefore, rejectedBefore], 0); // [2B]
      const per = (values: Tensor): Tensor => (loss === 'ipo' ? tf.div(values, tokens) : values);
      const margin = preferenceLoss(pairOf(per(now)), pairOf(per(old)), { beta, loss, labelSmoothing });
      if (!supervised) return { preference: margin };
      const [chosen] = tf.split(now, 2, 0);
      const [length] = tf.split(tokens, 2, 0);
      const surprise = tf.div(tf.neg(tf.sum(chosen)), tf.sum(length)); // nats per token
      return { preference: margin, supervised: tf.mul(surprise, supervisedWeight) as Scalar };
    },
  };
}

/** [2B] → chosen and rejected, [B] each. */
function pairOf(values: Tensor): PairLogProbabilities {
  const [chosen, rejected] = tf.split(values, 2, 0);
  return { chosen, rejected };
}

import type { Model } from '@tesserae/core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import type { ChatTemplate } from '@tesserae/tokenizer';
import { readPreferences } from '../../objectives/preference-rows';
import type { PreferencePair } from '../../objectives/preference-rows';
import { checkOptions, required, rules } from '../../options';
import { badData, badModel, tokenizerOf } from '../evaluation-errors';
import { positionsOf } from '../forward/positions';
import { scoreLabels } from '../forward/score-labels';
import type { EvaluationTask } from '../task';

/** Options of {@link preferenceAccuracy}. */
export interface PreferenceAccuracyOptions {
  readonly data: readonly PreferencePair[];
  /** What the model started from: rewards are measured against it; without it, they are log-probabilities. */
  readonly reference?: Model;
  /** What rewards are multiplied by: 0.1, or 1 without a reference. */
  readonly beta?: number;
  /** How conversations are written; the tokenizer's own when absent. */
  readonly chatTemplate?: ChatTemplate;
}

/** One pair, as the model sees it. */
export interface PreferenceSample {
  /** log π(chosen) in nats, and how many tokens that are. */
  readonly chosen: number;
  readonly chosenTokens: number;
  readonly rejected: number;
  /** β (log π − log πref) of both. */
  readonly rewards: readonly [chosen: number, rejected: number];
}

/**
 * How often a model prefers the answer that it should: whether its reward β (log π − log πref) is higher for the chosen one.
 *
 * `accuracy` counts pairs, two like rewards as half; `margin` is the mean difference of rewards, `chosenReward` and
 * `rejectedReward` their means; `chosenLoss` the nats per token of the chosen answers, which rise where a policy collapses.
 *
 * @param options pairs, the reference and β
 * @returns the task
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be, E_EVALUATION_DATA for data that cannot be
 *
 * Rafailov et al.: "Direct Preference Optimization" (2023), equation 5; as the `rewards/` figures of TRL's `DPOTrainer`.
 *
 * @example
 * ```ts
 * import { preferenceAccuracy } from '@tesserae/trainer';
 * const data = [{ prompt: '2 + 2 =', chosen: ' 4', rejected: ' 5' }];
 * console.log(preferenceAccuracy({ data }).name); // → preference-accuracy
 * ```
 */
export const preferenceAccuracy: Plugin<
  'evaluation',
  'preference-accuracy',
  (options: PreferenceAccuracyOptions) => EvaluationTask<PreferenceSample>
> = /* @__PURE__ */ definePlugin({
  kind: 'evaluation',
  name: 'preference-accuracy',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'How often the better of two answers is preferred',
  create: createPreferenceAccuracy,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'evaluation:preference-accuracy': typeof preferenceAccuracy;
  }
}

const name = 'preference-accuracy';

function createPreferenceAccuracy(options: PreferenceAccuracyOptions): EvaluationTask<PreferenceSample> {
  checkOptions<PreferenceAccuracyOptions>(name, options, {
    data: required({ expected: 'a list', test: Array.isArray }),
    reference: { expected: 'a model', test: (value) => typeof (value as Model)?.architecture?.forward === 'function' },
    beta: rules.positive,
    chatTemplate: rules.object,
  });
  const { data, reference, beta = reference ? 0.1 : 1, chatTemplate } = options;
  if (data.length === 0) throw badData(name, 'data must be a list of at least one, found none', 'give data as a list');
  data.forEach(checkPair);
  return {
    name,
    async run(model, context) {
      if (model.architecture.encode !== undefined)
        throw badModel(name, `${model.architecture.name} has an encoder`, 'use a model that only decodes');
      tokenizerOf(name, model);
      const pairs = data.map((pair, i) => readPreferences(name, model, pair, i, positionsOf(model), chatTemplate));
      const rows = pairs.flatMap(({ chosen, rejected }) => [{ ...chosen }, { ...rejected }]);
      context.begin(rows.length * (reference ? 2 : 1), 'answer');
      const now = await scoreLabels(model, rows, context);
      const before = reference ? await scoreLabels(reference, rows, context) : undefined;
      const reward = (row: number): number => beta * ((before?.[row] ?? 0) - now[row]); // nats count down
      const samples = pairs.map(({ chosen }, i): PreferenceSample => ({
        chosen: -now[2 * i],
        chosenTokens: chosen.labels.filter((label) => label !== -100).length,
        rejected: -now[2 * i + 1],
        rewards: [reward(2 * i), reward(2 * i + 1)],
      }));
      const mean = (some: readonly PreferenceSample[], value: (sample: PreferenceSample) => number): number =>
        some.reduce((sum, sample) => sum + value(sample), 0) / some.length;
      return {
        samples,
        counts: {},
        metrics: {
          accuracy: (some) => mean(some, ({ rewards: [a, b] }) => (a > b ? 1 : a === b ? 0.5 : 0)),
          margin: (some) => mean(some, ({ rewards: [a, b] }) => a - b),
          chosenReward: (some) => mean(some, ({ rewards: [a] }) => a),
          rejectedReward: (some) => mean(some, ({ rewards: [, b] }) => b),
          chosenLoss: (some) => -mean(some, (one) => one.chosen) / mean(some, (one) => one.chosenTokens),
        },
      };
    },
  };
}

function checkPair(pair: PreferencePair, index: number): void {
  const { prompt, chosen, rejected } = (pair ?? {}) as Partial<PreferencePair>;
  if (prompt === undefined || typeof chosen !== 'string' || typeof rejected !== 'string')
    throw badData(name, `row ${index} has no prompt with two answers`, 'give { prompt, chosen, rejected }');
  if (chosen === rejected) throw badData(name, `the two answers of row ${index} are the same`, 'leave such pairs out');
}

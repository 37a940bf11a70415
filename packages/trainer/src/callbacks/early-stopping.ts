import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, oneOf, rules } from '../options';
import type { EvaluationRecord } from '../loop/history';
import type { StopRequest, TrainingCallback, TrainingContext } from './callback';
import { metricMissing } from './callback-errors';
import { costOf } from './scores';
import type { ScoreChoice } from './scores';

/** Options of {@link earlyStopping}. */
export interface EarlyStoppingOptions extends ScoreChoice {
  /** Evaluations in a row without progress that end the run: 3. */
  readonly patience?: number;
  /** By how much the score must be better than the best one to count as progress: 0. */
  readonly minimumChange?: number;
  /** Steps before which nothing is counted: 0. */
  readonly afterStep?: number;
}

/**
 * Ends a run whose validation score has not become better for some evaluations. Needs evaluations: give `train` an
 * `evaluateEvery`, and `best: { restore: true }` to get the model of the best one.
 *
 * Progress is score < best - minimumChange (for `highest`, score > best + minimumChange). A pure function of the
 * evaluations so far, so that a resumed run ends where an uninterrupted one does; a run that has ended stays so.
 *
 * @param options the score, which way is better, patience in evaluations, the smallest change that counts
 * @returns the callback
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be; E_METRIC when an evaluation has no such score
 *
 * Reference: Prechelt, "Early Stopping — But When?" (1998), criterion UP; patience and change as in
 * `tf.keras.callbacks.EarlyStopping`.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, disposeModel, gpt2 } from '@tesserae/core';
 * import { earlyStopping, sgd, train } from '@tesserae/trainer';
 * const config = { vocabSize: 4, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 8 };
 * const start = createModel(gpt2, config, { seed: 1 });
 * const data = Array.from({ length: 200 }, (_, i) => i % 4);
 * const { model, history } = await train(start, {
 *   data, steps: 100, batchSize: 2, evaluateEvery: 5, optimizer: sgd(), schedule: () => 0, progress: false,
 *   callbacks: earlyStopping({ patience: 2 }), // with a rate of 0 nothing becomes better
 * });
 * console.log(history.steps.length, history.stopped); // → 15 callback
 * disposeModel(start);
 * disposeModel(model);
 * ```
 */
export const earlyStopping: Plugin<'callback', 'early-stopping', (options?: EarlyStoppingOptions) => TrainingCallback> =
  /* @__PURE__ */ definePlugin({
    kind: 'callback',
    name: 'early-stopping',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Ends a run whose validation score stands still',
    create: createEarlyStopping,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'callback:early-stopping': typeof earlyStopping;
  }
}

function createEarlyStopping(options: EarlyStoppingOptions = {}): TrainingCallback {
  checkOptions<EarlyStoppingOptions>('early-stopping', options, {
    metric: rules.string,
    direction: oneOf('lowest', 'highest'),
    patience: rules.positiveInteger,
    minimumChange: rules.nonNegative,
    afterStep: rules.nonNegativeInteger,
  });
  const { metric = 'loss', direction, patience = 3, minimumChange = 0, afterStep = 0 } = options;
  const decide = ({ history: { evaluations } }: TrainingContext): StopRequest | undefined => {
    const standing = evaluationsWithoutProgress(
      evaluations.filter(({ step }) => step >= afterStep),
      options,
      minimumChange,
    );
    if (standing < patience) return undefined;
    return { stop: `no progress in ${patience} evaluation${patience === 1 ? '' : 's'} (${metric})` };
  };
  return {
    name: 'early-stopping',
    hyperparameters: { metric, patience, minimumChange, afterStep, ...(direction !== undefined && { direction }) },
    needsEvaluations: true,
    onStart: decide,
    onEvaluate: (record, context) => {
      if (metric !== 'loss' && record.metrics?.[metric] === undefined)
        throw metricMissing('early-stopping', metric, record);
      return decide(context);
    },
  };
}

/** How many of the latest evaluations, one after the other, were no progress. */
export function evaluationsWithoutProgress(
  evaluations: readonly EvaluationRecord[],
  choice: ScoreChoice,
  minimumChange: number,
): number {
  let [best, standing] = [Infinity, 0];
  for (const record of evaluations) {
    const cost = costOf(record, choice);
    if (cost < best - minimumChange) [best, standing] = [cost, 0];
    else standing++;
  }
  return standing;
}

import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, rules } from '../options';
import type { TrainingCallback, TrainingContext } from './callback';

/** How a loss is told from a spike. */
export interface SpikeRule {
  /** Steps before it that a loss is held to; before so many nothing is a spike: 32. */
  readonly window?: number;
  /** A spike is above the median of the window by this many standard deviations, estimated robustly: 8. */
  readonly deviations?: number;
  /** And by this share of the median: 0.1. */
  readonly minimumRise?: number;
  /** And so many steps in a row: 1. */
  readonly consecutive?: number;
}

/** Options of {@link lossSpikes}. */
export interface LossSpikesOptions extends SpikeRule {
  /** Steps from one kept state to the next: 50. */
  readonly keepEvery?: number;
  /** Steps that a state must have lasted without a spike to be gone back to, where there is one: 5. */
  readonly settleSteps?: number;
  /** Times that the run may go back; after that spikes are warned of, and numbers that are none end it: 3. */
  readonly mostRollbacks?: number;
  /** What is left of the learning rate after each time: 1. */
  readonly rateFactor?: number;
  /** Batches to leave out behind the spike, too: 0. */
  readonly skipMore?: number;
}

/**
 * Takes the run back to its last good state when the loss shoots up or leaves the numbers, and goes on behind the batches
 * that did it.
 *
 * spike: loss > m + max(deviations · 1.4826 · MAD, minimumRise · |m|), m the median and MAD the median absolute deviation
 * of the `window` losses before. States are copies in memory and part of checkpoints, so that a resumed run goes back to
 * the same place. The steps that were taken back leave the history; `history.rollbacks` says what happened.
 *
 * @param options what a spike is, how often states are kept, how often the run may go back, how much of the rate is left
 * @returns the callback
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be
 *
 * Reference: Chowdhery et al., "PaLM" (2022), section 5.1, restarts before a spike and skips the batches around it.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, disposeModel, gpt2 } from '@tesserae/core';
 * import { lossSpikes, sgd, train } from '@tesserae/trainer';
 * const config = { vocabSize: 4, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 8 };
 * const start = createModel(gpt2, config, { seed: 1 });
 * const data = Array.from({ length: 200 }, (_, i) => i % 4);
 * let slip = true; // once, the rate leaves all bounds
 * const schedule = (step: number): number => (step === 8 && slip ? ((slip = false), 1e30) : 0.1);
 * const { model, history } = await train(start, {
 *   data, steps: 12, batchSize: 2, optimizer: sgd(), schedule, progress: false, callbacks: lossSpikes({ keepEvery: 4 }),
 * });
 * console.log(history.steps.length, history.rollbacks.map(({ step, to }) => [step, to])); // → 12 [ [ 10, 4 ] ]
 * disposeModel(start);
 * disposeModel(model);
 * ```
 */
export const lossSpikes: Plugin<'callback', 'loss-spikes', (options?: LossSpikesOptions) => TrainingCallback> =
  /* @__PURE__ */ definePlugin({
    kind: 'callback',
    name: 'loss-spikes',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Goes back to the last good state when the loss shoots up, and leaves out the batches that did it',
    create: createLossSpikes,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'callback:loss-spikes': typeof lossSpikes;
  }
}

function createLossSpikes(options: LossSpikesOptions = {}): TrainingCallback {
  checkOptions<LossSpikesOptions>('loss-spikes', options, {
    window: { expected: 'a whole number ≥ 4', test: (v) => Number.isSafeInteger(v) && (v as number) >= 4 },
    deviations: rules.positive,
    minimumRise: rules.nonNegative,
    consecutive: rules.positiveInteger,
    keepEvery: rules.positiveInteger,
    settleSteps: rules.nonNegativeInteger,
    mostRollbacks: rules.positiveInteger,
    rateFactor: { expected: 'a number above 0 and at most 1', test: (v) => typeof v === 'number' && v > 0 && v <= 1 },
    skipMore: rules.nonNegativeInteger,
  });
  const { keepEvery = 50, settleSteps = 5, mostRollbacks = 3, rateFactor = 1, skipMore = 0 } = options;
  const { window = 32, deviations = 8, minimumRise = 0.1, consecutive = 1 } = options;
  const rule = { window, deviations, minimumRise, consecutive };
  const goBack = (reason: string, context: TrainingContext): boolean => {
    if (context.history.rollbacks.length >= mostRollbacks) return false;
    context.rollBack({ reason, rateFactor, skipMore });
    return true;
  };
  return {
    name: 'loss-spikes',
    hyperparameters: { keepEvery, settleSteps, mostRollbacks, rateFactor, skipMore, ...rule },
    async onStart(context) {
      if (context.keptSteps.length === 0) await context.keepState({ settleSteps });
    },
    async onStep({ step, loss, skipped }, context) {
      const made = context.history.steps.filter((record) => !record.skipped); // what was skipped changed nothing
      const losses = made.slice(-(window + consecutive)).map((record) => record.loss);
      if (!skipped && isSpike(losses, rule)) {
        const reason = `the loss is ${loss.toPrecision(4)} after ${medianOf(losses.slice(0, window)).toPrecision(4)}`;
        if (goBack(reason, context)) return;
        context.warn({
          code: 'W_LOSS_SPIKE',
          message: `step ${step}: ${reason}; the run went back ${mostRollbacks} times already and goes on as it is`,
        });
      }
      if (step % keepEvery === 0) await context.keepState({ settleSteps });
    },
    onNonFinite({ loss, gradientNorm }, context) {
      goBack(Number.isFinite(loss) ? `the gradient norm is ${gradientNorm}` : `the loss is ${loss}`, context);
    },
  };
}

/**
 * Whether the last losses are a spike after those before them.
 *
 * @param losses `window` losses and the `consecutive` ones after them, oldest first; fewer are no spike
 */
export function isSpike(losses: readonly number[], rule: SpikeRule = {}): boolean {
  const { window = 32, deviations = 8, minimumRise = 0.1, consecutive = 1 } = rule;
  if (losses.length < window + consecutive) return false;
  const before = losses.slice(-(window + consecutive), -consecutive);
  const median = medianOf(before);
  const deviation = 1.4826 * medianOf(before.map((loss) => Math.abs(loss - median))); // σ of a normal distribution
  const most = median + Math.max(deviations * deviation, minimumRise * Math.abs(median));
  return losses.slice(-consecutive).every((loss) => loss > most);
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

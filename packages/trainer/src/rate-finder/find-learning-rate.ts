import { lineChart } from '@tesserae/display';
import type { Chart } from '@tesserae/display';
import { disposeModel } from '@tesserae/core';
import type { ArchitectureConfig, Model } from '@tesserae/core';
import { describeValue, isTesseraeError, tesseraeError } from '@tesserae/registry';
import type { StepRecord, TrainingHistory } from '../loop/history';
import { train } from '../loop/train';
import type { TrainOptions } from '../loop/options';
import { rules } from '../options';
import { smoothLosses, suggestRate, sweepRate } from './range-test';
import type { SweptRate } from './range-test';

/** Options of {@link findLearningRate}: those of `train` that say what is learned and how, and those of the sweep. */
export interface FindLearningRateOptions extends Omit<
  TrainOptions,
  'steps' | 'schedule' | 'checkpoint' | 'resume' | 'callbacks' | 'whenAborted' | 'evaluateEvery' | 'evaluationBatches'
> {
  /** The lowest rate, with which the sweep begins: 1e-7. */
  readonly from?: number;
  /** The highest: 10. */
  readonly to?: number;
  /** Updates of the sweep: 100. */
  readonly steps?: number;
  /** What a step leaves of the running average of the losses: 0.9. */
  readonly smoothing?: number;
  /** The sweep ends when the smoothed loss is this many times the lowest: 4. */
  readonly divergence?: number;
}

/** What a sweep found. */
export interface LearningRateSearch {
  /** Where the smoothed loss falls fastest: a highest rate for training. Undefined when the loss never fell. */
  readonly suggestion: number | undefined;
  /** Where the smoothed loss was lowest: already too high a rate. Undefined when the loss never fell. */
  readonly lowest: number | undefined;
  /** Rates and losses of the sweep, up to where the loss ran away. */
  readonly swept: readonly SweptRate[];
  /** Loss over rate, on a logarithmic axis, with the suggestion. */
  draw(): Promise<Chart>;
}

/**
 * Finds a learning rate by the range test: trains a copy of the model for some steps while the rate rises exponentially,
 * and looks where the loss falls fastest and where it runs away.
 *
 * rate(i) = from · (to / from)^(i / (steps - 1)); suggestion = argmin d smoothed / d log rate, before the lowest point
 *
 * The model is not changed; the same model, data and seed give the same answer.
 *
 * @param model the model that will be trained
 * @param options data, objective, optimizer, batch size and whatever else `train` will be given, and the sweep
 * @returns the suggestion, all rates and losses, and a chart of them
 * @throws whatever `train` throws for the same options; E_OPTION when `from` is not below `to`
 *
 * Reference: Smith, "Cyclical Learning Rates for Training Neural Networks" (2017), section 3.3; suggestion and end as in
 * fastai's `lr_find` (steepest slope; four times the lowest loss).
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, disposeModel, gpt2 } from '@tesserae/core';
 * import { adamw, findLearningRate } from '@tesserae/trainer';
 * const config = { vocabSize: 4, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 8 };
 * const model = createModel(gpt2, config, { seed: 1 });
 * const data = Array.from({ length: 200 }, (_, i) => i % 4);
 * const { suggestion } = await findLearningRate(model, { data, batchSize: 2, optimizer: adamw(), steps: 60, progress: false });
 * console.log(suggestion! > 1e-4 && suggestion! < 1); // → true
 * disposeModel(model);
 * ```
 */
export async function findLearningRate<C extends ArchitectureConfig>(
  model: Model<C>,
  options: FindLearningRateOptions,
): Promise<LearningRateSearch> {
  checkSweep(options);
  const { from = 1e-7, to = 10, steps = 100, smoothing = 0.9, divergence = 4, ...learning } = options;
  const records = await sweep(model, {
    ...learning,
    steps,
    schedule: (index) => sweepRate(index, steps, from, to),
    callbacks: {
      onStep: (_, { history }) =>
        ranAway(
          smoothLosses(
            history.steps.map(({ loss }) => loss),
            smoothing,
          ),
          divergence,
        )
          ? { stop: 'the loss ran away' }
          : undefined,
    },
  });
  const averages = smoothLosses(
    records.map(({ loss }) => loss),
    smoothing,
  );
  const swept = records.map(({ learningRate, loss }, i) => ({ learningRate, loss, smoothed: averages[i] }));
  const found = suggestRate(swept);
  return { suggestion: found?.steepest, lowest: found?.lowest, swept, draw: () => draw(swept, found?.steepest) };
}

/** Trains a copy as long as the loss is a number, and gives its steps. */
async function sweep<C extends ArchitectureConfig>(
  model: Model<C>,
  options: TrainOptions,
): Promise<readonly StepRecord[]> {
  try {
    const trained = await train(model, options);
    disposeModel(trained.model);
    if (trained.averaged) disposeModel(trained.averaged);
    return trained.history.steps;
  } catch (error) {
    if (!isTesseraeError(error, 'E_NON_FINITE_LOSS')) throw error;
    return (error.details as { history: TrainingHistory }).history.steps; // it ran away at once
  }
}

const ranAway = (smoothed: readonly number[], divergence: number): boolean =>
  smoothed.length > 1 && smoothed[smoothed.length - 1] > divergence * smoothed.reduce((a, b) => Math.min(a, b));

function draw(swept: readonly SweptRate[], suggestion: number | undefined): Promise<Chart> {
  const x = swept.map(({ learningRate }) => learningRate);
  const losses = swept.map(({ smoothed }) => smoothed);
  const ends = [Math.min(...losses), Math.max(...losses)];
  return lineChart({
    title: 'Loss while the learning rate rises',
    ...(suggestion !== undefined && { subtitle: `falls fastest at ${suggestion.toExponential(1)}` }),
    series: [
      { name: 'smoothed', x, y: losses },
      { name: 'batch', x, y: swept.map(({ loss }) => (loss > ends[1] ? NaN : loss)), dashed: true },
      ...(suggestion === undefined ? [] : [{ name: 'suggestion', x: [suggestion, suggestion], y: ends }]),
    ],
    x: { title: 'learning rate', scale: 'log' },
    y: { title: 'loss' },
  });
}

function checkSweep(options: FindLearningRateOptions): void {
  const refuse = (message: string, fix: string): never => {
    throw tesseraeError({ package: 'trainer', plugin: 'findLearningRate', code: 'E_OPTION', message, fix });
  };
  const wanted = {
    from: rules.positive,
    to: rules.positive,
    steps: rules.positiveInteger,
    smoothing: rules.fraction,
    divergence: { expected: 'a number > 1', test: (v: unknown) => rules.positive.test(v) && (v as number) > 1 },
  };
  if (typeof options !== 'object' || options === null)
    refuse(`expected an options object, found ${describeValue(options)}`, 'call findLearningRate(model, { data, … })');
  for (const [name, rule] of Object.entries(wanted)) {
    const value = options[name as keyof typeof wanted];
    if (value !== undefined && !rule.test(value))
      refuse(
        `the option '${name}' must be ${rule.expected}, found ${describeValue(value)}`,
        `give ${name} as ${rule.expected}`,
      );
  }
  const { from = 1e-7, to = 10 } = options;
  if (from >= to) refuse(`the sweep goes from ${from} to ${to}`, 'give a from below to');
}

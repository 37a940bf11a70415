import { createProgress } from '@tesserae/display';
import type { Progress } from '@tesserae/display';
import type { Model } from '@tesserae/core';
import { checkOptions, rules } from '../options';
import { evaluationAborted } from './aborted';
import { badData, badModel } from './evaluation-errors';
import { bootstrapStandardError } from './metrics/index';
import type { EvaluationContext, EvaluationTask, TaskOutcome } from './task';

/** Options of {@link evaluate}. */
export interface EvaluateOptions {
  /** Rows that go through the model at a time: 8. The scores do not depend on it. */
  readonly batchSize?: number;
  /** Give every sample with the result: false. */
  readonly samples?: boolean;
  /** Samples of samples for the standard errors, 0 for none: 1,000, or fewer for more than 5,000 samples. */
  readonly resamples?: number;
  /** Decides which samples of samples: 0. */
  readonly seed?: number;
  /** Stops the evaluation, which then throws E_ABORTED. */
  readonly signal?: AbortSignal;
  /** Show progress in the terminal or notebook: true. */
  readonly progress?: boolean;
}

/** A score, and how much it hangs on which samples were taken. */
export interface MetricValue {
  readonly value: number;
  /** Bootstrap standard error; absent for a single sample, or when none was asked for. */
  readonly standardError?: number;
}

/** What an evaluation found. */
export interface EvaluationResult<S = unknown> {
  readonly task: string;
  /** The architecture's name. */
  readonly model: string;
  readonly metrics: Readonly<Record<string, MetricValue>>;
  /** How much was looked at: `samples`, and what the task counts, such as `tokens`. */
  readonly counts: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** More that the task has to say, such as a confusion matrix. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** One entry a sample, in the order of the data, when asked for. */
  readonly samples?: readonly S[];
}

/**
 * Tries a model on a task: scores with their standard errors, counts and time.
 *
 * The model is not changed. Same model, task and options: same scores, whatever the batch size. Standard errors are those
 * of the bootstrap over samples (windows of text, questions, sentences).
 *
 * @param model the model
 * @param task what it is tried on, such as `perplexity({ data })` or `multipleChoice({ data })`
 * @param options batch size, standard errors, samples, signal, progress
 * @returns scores by name, counts, seconds, and the samples when asked for
 * @throws E_EVALUATION_MODEL when the model cannot do the task, E_EVALUATION_DATA when the data is not what the task needs,
 *   E_TOKENIZER for texts without a tokenizer, E_OPTION and E_UNKNOWN_OPTION for options, E_ABORTED when the signal came
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, disposeModel, gpt2 } from '@tesserae/core';
 * import { evaluate, perplexity } from '@tesserae/trainer';
 * const config = { vocabSize: 4, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 8 };
 * const model = createModel(gpt2, config, { seed: 1 });
 * const data = Array.from({ length: 33 }, (_, i) => i % 4);
 * const { metrics, counts } = await evaluate(model, perplexity({ data }), { progress: false });
 * console.log(Math.round(metrics.perplexity.value), counts.tokens); // → 4 32
 * disposeModel(model);
 * ```
 */
export async function evaluate<C, S = unknown>(
  model: Model<C>,
  task: EvaluationTask<S>,
  options: EvaluateOptions = {},
): Promise<EvaluationResult<S>> {
  checkArguments(model, task, options);
  const { batchSize = 8, resamples, seed = 0, signal, progress = true } = options;
  const known = model as unknown as Model;
  const began = performance.now();
  let bar: Progress | undefined;
  let done = 0;
  const context: EvaluationContext = {
    batchSize,
    signal,
    begin(total, unit) {
      if (progress) bar = createProgress({ total, label: `evaluating ${task.name}`, unit });
    },
    async advance(count) {
      bar?.update((done += count));
      await new Promise((resolve) => setTimeout(resolve, 0)); // timers and signals have their turn
      if (signal?.aborted === true) throw evaluationAborted();
    },
  };
  try {
    if (signal?.aborted === true) throw evaluationAborted();
    const outcome = await task.run(known, context);
    if (outcome.samples.length === 0) throw badData(task.name, 'the task found no samples', 'give it more data');
    return {
      task: task.name,
      model: known.architecture.name,
      metrics: scoresOf(outcome, resamples, seed),
      counts: { samples: outcome.samples.length, ...outcome.counts },
      seconds: (performance.now() - began) / 1000,
      ...(outcome.details && { details: outcome.details }),
      ...(options.samples === true && { samples: outcome.samples }),
    };
  } finally {
    bar?.end();
  }
}

function scoresOf<S>(
  { samples, metrics }: TaskOutcome<S>,
  resamples: number | undefined,
  seed: number,
): Record<string, MetricValue> {
  return Object.fromEntries(
    Object.entries(metrics).map(([name, score]) => {
      const value = score(samples);
      if (resamples === 0 || samples.length < 2) return [name, { value }];
      return [name, { value, standardError: bootstrapStandardError(samples, score, { resamples, seed }) }];
    }),
  );
}

function checkArguments<C, S>(model: Model<C>, task: EvaluationTask<S>, options: EvaluateOptions): void {
  const given = model as Partial<Model<C>> | null | undefined;
  if (typeof given?.architecture?.forward !== 'function' || typeof given.params !== 'object')
    throw badModel('evaluate', 'the first argument is no model', 'pass what createModel or loadPretrained returns');
  if (typeof (task as EvaluationTask<S> | undefined)?.run !== 'function')
    throw badData('evaluate', 'the second argument is no task', 'pass a task such as perplexity({ data })');
  checkOptions<EvaluateOptions>('evaluate', options, {
    batchSize: rules.positiveInteger,
    samples: rules.boolean,
    resamples: rules.nonNegativeInteger,
    seed: rules.nonNegativeInteger,
    signal: rules.object,
    progress: rules.boolean,
  });
}

import type { ArchitectureConfig, Model } from '@tesserae/core';
import { isNextTokenDefault } from '../objectives/causal-language-modeling';
import { noteBest, restoreBest } from './best';
import type { EvaluationRecord, StepRecord, TrainingHistory } from './history';
import { aborted, badMetrics, badRate, nonFinite } from './loop-errors';
import type { TrainOptions } from './options';
import { rateFactor, rollBack, skippedBatches } from './roll-back';
import { historyOf, openRun } from './run';
import type { Run } from './run';
import { save, saveWhenAborted } from './save';
import { resolveSettings } from './settings';
import type { StepResult } from './step';

/** What `train` gives back. */
export interface TrainingResult<C = ArchitectureConfig> {
  /** The trained model, a new one; its tensors are the caller's. */
  readonly model: Model<C>;
  readonly history: TrainingHistory;
  /** The model with the averaged parameters, where the optimizer is `averaged`; its tensors are the caller's. */
  readonly averaged?: Model<C> | undefined;
}

/**
 * Trains a model, to predict the next token or to whatever `objective` says, and returns a new model and the history of
 * the run.
 *
 * Each step runs as one compiled program: forward, cross-entropy, gradients, clipping to a common norm, optimizer. The
 * given model stays as it is. The order of the data and all randomness follow from `seed` and the number of the step, so
 * a run that was interrupted and resumed gives the losses of one that was not, bit for bit.
 *
 * @param model the model to start from
 * @param options data, number of steps, and everything else; see {@link TrainOptions}
 * @returns the trained model and the history
 * @throws E_OPTION, E_UNKNOWN_OPTION, E_MODEL; E_EMPTY_TEXT, E_TOKENIZER, E_TEXT_TOO_SHORT, E_VOCABULARY for data that
 *   cannot be; E_ROW, E_ROW_TEXT, E_NO_ROWS, E_SPLIT, E_WORKER and what sources throw while they are read;
 *   E_OBJECTIVE_DATA, E_OBJECTIVE_MODEL from objectives; E_BATCH, E_SCHEDULE, E_METRIC for what a given function returned;
 *   E_ROLLBACK from callbacks; E_WEIGHT_FORM; E_LOSS_SCALE when a scaled loss has no finite gradients at any scale; E_NON_FINITE_LOSS when the loss
 *   leaves the numbers; E_ABORTED when the signal came; E_CHECKPOINT_EXISTS, E_CHECKPOINT_FOREIGN,
 *   E_CHECKPOINT_TRUNCATED, E_NOT_FOUND around resuming; E_NOT_WRITABLE, E_DISK_FULL, E_WRITE_FAILED when saving fails
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, disposeModel, gpt2 } from '@tesserae/core';
 * import { adamw, train } from '@tesserae/trainer';
 * const config = { vocabSize: 4, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 8 };
 * const start = createModel(gpt2, config, { seed: 1 });
 * const data = Array.from({ length: 200 }, (_, i) => i % 4);
 * const optimizer = adamw({ learningRate: 0.01 });
 * const { model, history } = await train(start, { data, steps: 20, batchSize: 4, optimizer, progress: false });
 * console.log(history.steps[19].loss < history.steps[0].loss); // → true
 * disposeModel(start);
 * disposeModel(model);
 * ```
 */
export async function train<C extends ArchitectureConfig>(
  model: Model<C>,
  options: TrainOptions,
): Promise<TrainingResult<C>> {
  const byItself = isNextTokenDefault(options as TrainOptions | undefined);
  const settings = await resolveSettings(model, byItself ? { ...options, objective: undefined } : options);
  const run = await openRun(model, settings);
  const { told, context } = run;
  try {
    const stopped = await runSteps(run);
    tellOfSkipped(run);
    if (stopped === 'aborted' && settings.whenAborted === 'throw') {
      const history = historyOf(run, stopped);
      await told.tell((callback) => callback.onEnd?.(history, context));
      throw aborted(run.made, settings.steps, run.lastCheckpoint, history);
    }
    await restoreBest(run);
    const history = historyOf(run, stopped);
    await told.tell((callback) => callback.onEnd?.(history, context));
    const averageParams = run.step.averageParams();
    const trained = { ...model, params: run.step.finish() };
    run.finished = true;
    return { model: trained, history, ...(averageParams && { averaged: { ...model, params: averageParams } }) };
  } finally {
    run.progress.end();
    if (!run.finished) run.step.dispose();
    await told.close();
    await settings.stream?.close();
  }
}

/** Rows that could not be read and were passed over are said, not hidden. */
function tellOfSkipped<C>({ settings, told }: Run<C>): void {
  const { count, examples } = settings.stream?.skipped() ?? { count: 0, examples: [] };
  if (count === 0) return;
  const first =
    examples.length > 0 ? `; the first is ${examples[0].file}:${examples[0].line}, ${examples[0].reason}` : '';
  const message = `${count} rows of an epoch could not be read and were passed over${first}`;
  told.warn({ code: 'W_ROWS_SKIPPED', message });
}

async function runSteps<C>(run: Run<C>): Promise<TrainingHistory['stopped']> {
  const { settings, told, context } = run;
  await told.tell((callback, state) => callback.onStart?.(context, state));
  while (run.made < settings.steps) {
    if (told.stopReason !== undefined) return 'callback';
    if (settings.signal?.aborted === true) {
      await saveWhenAborted(run);
      return 'aborted';
    }
    const made = await makeStep(run);
    if (made.record.skipped || isFinite(made.record)) await follow(run, made);
    else await bear(run, made.record);
  }
  return 'steps';
}

/** An update, and what was measured with it. */
interface MadeStep extends Pick<StepResult, 'statistics'> {
  readonly record: StepRecord;
}

async function makeStep<C>(run: Run<C>): Promise<MadeStep> {
  const { settings, made, told } = run;
  const began = performance.now();
  const learningRate = settings.schedule(made, run.history.evaluations) * rateFactor(run);
  if (!(Number.isFinite(learningRate) && learningRate >= 0)) throw badRate(made + 1, learningRate);
  const asked = performance.now();
  const batch = await settings.sampler(made + skippedBatches(run));
  const dataWaitMilliseconds = performance.now() - asked;
  const request = { statistics: told.measures(made + 1) };
  const result = await run.step.run(batch, learningRate, made + 1, request);
  const { loss, gradientNorm, parts, statistics, lossScale, skipped } = result;
  const seconds = (performance.now() - began) / 1000;
  const record = {
    step: made + 1,
    loss,
    gradientNorm,
    learningRate,
    tokensPerSecond: batch.inputIds.length / seconds,
    dataWaitMilliseconds,
    ...(batch.sequenceIds && { fill: fillOf(batch.sequenceIds) }),
    ...(parts && { parts }),
    ...(lossScale !== undefined && { lossScale }),
    ...(skipped && { skipped }),
  };
  return { record, statistics };
}

/** Share of tokens that belong to a sequence. */
function fillOf(sequenceIds: Int32Array | Float32Array): number {
  let real = 0;
  for (const id of sequenceIds) if (id > 0) real++;
  return real / sequenceIds.length;
}

const isFinite = ({ loss, gradientNorm }: StepRecord): boolean =>
  Number.isFinite(loss) && Number.isFinite(gradientNorm);

/** What follows an update: callbacks, and when their time has come an evaluation and a checkpoint. */
async function follow<C>(run: Run<C>, { record, statistics }: MadeStep): Promise<void> {
  const { settings, history, progress, told, context, kept } = run;
  const { steps, evaluateEvery, checkpoint } = settings;
  run.made = record.step;
  history.steps.push(record);
  progress.step(record);
  await told.tell((callback) => callback.onStep?.(record, context));
  if (statistics !== undefined)
    await told.tell(({ statisticsEvery: every, onStatistics }) =>
      every !== undefined && record.step % every === 0 ? onStatistics?.(statistics, context) : undefined,
    );
  if (await wentBack(run, record)) return;
  kept.settle(run.made);

  const ends = (): boolean => run.made === steps || told.stopReason !== undefined;
  const due = evaluateEvery !== undefined && (ends() || run.made % evaluateEvery === 0);
  const improved = due && (await evaluate(run));
  if (await wentBack(run, record)) return;
  if (checkpoint !== undefined && (ends() || run.made % checkpoint.every === 0 || (improved && checkpoint.keepBest)))
    await save(run);
}

/** Goes back when a callback asked for it. */
async function wentBack<C>(run: Run<C>, record: StepRecord): Promise<boolean> {
  const request = run.told.takeRollback();
  if (request !== undefined) await rollBack(run, record, request);
  return request !== undefined;
}

/** An update that left the numbers: a callback takes the run back, or it ends. */
async function bear<C>(run: Run<C>, record: StepRecord): Promise<void> {
  const { told, context } = run;
  await told.tell((callback) => callback.onNonFinite?.(record, context));
  if (!(await wentBack(run, record))) throw nonFinite(record, run.lastCheckpoint, historyOf(run, 'failed'));
}

/** Looks at the validation text; true when it is the best so far. */
async function evaluate<C>(run: Run<C>): Promise<boolean> {
  const { settings, step, history, progress, made, told, context } = run;
  let [sum, labels] = [0, 0];
  for (const batch of settings.evaluationBatches) {
    const part = await step.evaluate(batch);
    sum += part.loss * part.labels;
    labels += part.labels;
  }
  const metrics = await settings.metrics?.(context.model(), made);
  const record: EvaluationRecord = {
    step: made,
    loss: sum / labels,
    ...(metrics && { metrics: checkMetrics(metrics) }),
  };
  history.evaluations.push(record);
  progress.evaluated(record);
  const improved = await noteBest(run, record);
  await told.tell((callback) => callback.onEvaluate?.(record, context));
  return improved;
}

/** @throws E_METRIC */
function checkMetrics(metrics: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  if (typeof metrics === 'object' && Object.values(metrics).every((value) => typeof value === 'number')) return metrics;
  throw badMetrics(metrics);
}

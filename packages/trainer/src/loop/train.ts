import type { ArchitectureConfig, Model } from '@tesserae/core';
import { checkpointPath, prepareFolder, pruneCheckpoints, writeCheckpoint } from '../checkpoints/index';
import type { EvaluationRecord, HistoryInProgress, StepRecord, TrainingHistory } from './history';
import { aborted, badRate, nonFinite } from './loop-errors';
import type { TrainingWarning, TrainOptions } from './options';
import { openProgress } from './progress';
import type { TrainingProgress } from './progress';
import { restoreRun } from './restore';
import { resolveSettings } from './settings';
import type { Settings } from './settings';
import { createTrainingStep } from './step';
import type { TrainingStep } from './step';

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
 *   cannot be; E_OBJECTIVE_DATA, E_OBJECTIVE_MODEL
 *   from objectives; E_BATCH, E_SCHEDULE for what a given function returned; E_WEIGHT_FORM; E_NON_FINITE_LOSS when the loss
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
  const settings = await resolveSettings(model, options);
  const run = await openRun(model, settings);
  try {
    const stopped = await runSteps(run);
    tellOfSkipped(settings);
    const history = historyOf(run.history, stopped);
    if (stopped === 'aborted' && settings.whenAborted === 'throw') {
      await settings.callbacks.onEnd?.(history);
      throw aborted(run.made, settings.steps, run.lastCheckpoint, history);
    }
    const averageParams = run.step.averageParams();
    const trained = { ...model, params: run.step.finish() };
    run.finished = true;
    await settings.callbacks.onEnd?.(history);
    return { model: trained, history, ...(averageParams && { averaged: { ...model, params: averageParams } }) };
  } finally {
    run.progress.end();
    if (!run.finished) run.step.dispose();
    await settings.stream?.close();
  }
}

/** Everything that changes while a run goes on. */
interface Run<C> {
  readonly model: Model<C>;
  readonly settings: Settings;
  readonly step: TrainingStep;
  readonly history: HistoryInProgress;
  readonly progress: TrainingProgress;
  /** Folders of checkpoints that were found damaged. */
  readonly damaged: ReadonlySet<string>;
  /** Updates made. */
  made: number;
  lastCheckpoint: string | undefined;
  finished: boolean;
}

const historyOf = (history: HistoryInProgress, stopped: TrainingHistory['stopped']): TrainingHistory => ({
  ...history,
  stopped,
});

function warnThrough({ callbacks }: Settings, warning: TrainingWarning): void {
  if (callbacks.onWarning) callbacks.onWarning(warning);
  else process.emitWarning(warning.message, { type: 'TesseraeWarning', code: warning.code });
}

/** Rows that could not be read and were passed over are said, not hidden. */
function tellOfSkipped(settings: Settings): void {
  const { count, examples } = settings.stream?.skipped() ?? { count: 0, examples: [] };
  if (count === 0) return;
  const first =
    examples.length > 0 ? `; the first is ${examples[0].file}:${examples[0].line}, ${examples[0].reason}` : '';
  const message = `${count} rows of an epoch could not be read and were passed over${first}`;
  warnThrough(settings, { code: 'W_ROWS_SKIPPED', message });
}

async function openRun<C extends ArchitectureConfig>(model: Model<C>, settings: Settings): Promise<Run<C>> {
  const { checkpoint, resume } = settings;
  const warn = (warning: TrainingWarning): void => warnThrough(settings, warning);
  const damaged = new Set<string>();
  if (checkpoint !== undefined) await prepareFolder(checkpoint.folder, resume === false, checkpoint.overwrite);
  const restored = await restoreRun(model, settings, warn, damaged);
  const step = createTrainingStep(model, {
    optimizer: settings.optimizer,
    batchSize: settings.rows,
    microBatchSize: settings.microBatchSize,
    contextLength: settings.contextLength,
    objective: settings.objective,
    gradientClipNorm: settings.gradientClipNorm,
    gradientClipValue: settings.gradientClipValue,
    trainable: settings.trainable,
    gradients: settings.gradients,
    regularizers: settings.regularizers,
    key: settings.dropoutKey,
    parameters: restored?.parameters,
    state: restored?.state,
  });
  const made = restored?.loaded.state.step ?? 0;
  settings.stream?.begin(made, restored?.loaded.state.data);
  return {
    model,
    settings,
    step,
    history: {
      steps: [...(restored?.loaded.state.steps ?? [])],
      evaluations: [...(restored?.loaded.state.evaluations ?? [])],
      checkpoints: [],
      best: restored?.loaded.state.best,
      resumedFrom: restored && { step: made, folder: restored.loaded.folder },
    },
    progress: openProgress(settings, made),
    damaged,
    made,
    lastCheckpoint: restored?.loaded.folder,
    finished: false,
  };
}

async function runSteps<C>(run: Run<C>): Promise<TrainingHistory['stopped']> {
  const { settings, history, progress } = run;
  const { steps, signal, evaluateEvery, checkpoint, callbacks } = settings;
  while (run.made < steps) {
    if (signal?.aborted === true) {
      await saveWhenAborted(run);
      return 'aborted';
    }
    const record = await makeStep(run);
    run.made = record.step;
    history.steps.push(record);
    progress.step(record);
    await callbacks.onStep?.(record);

    const last = run.made === steps;
    const due = evaluateEvery !== undefined && (last || run.made % evaluateEvery === 0);
    const improved = due && (await evaluate(run));
    if (checkpoint !== undefined && (last || run.made % checkpoint.every === 0 || (improved && checkpoint.keepBest))) {
      await save(run);
    }
  }
  return 'steps';
}

async function makeStep<C>(run: Run<C>): Promise<StepRecord> {
  const { settings, made } = run;
  const began = performance.now();
  const learningRate = settings.schedule(made, run.history.evaluations);
  if (!(Number.isFinite(learningRate) && learningRate >= 0)) throw badRate(made + 1, learningRate);
  const asked = performance.now();
  const batch = await settings.sampler(made);
  const dataWaitMilliseconds = performance.now() - asked;
  const { loss, gradientNorm, parts } = await run.step.run(batch, learningRate, made + 1);
  const seconds = (performance.now() - began) / 1000;
  const tokensPerSecond = batch.inputIds.length / seconds;
  const record = {
    step: made + 1,
    loss,
    gradientNorm,
    learningRate,
    tokensPerSecond,
    dataWaitMilliseconds,
    ...(parts && { parts }),
  };
  if (Number.isFinite(loss) && Number.isFinite(gradientNorm)) return record;
  throw nonFinite(record, run.lastCheckpoint, historyOf(run.history, 'failed'));
}

/** Looks at the validation text; true when the loss is the lowest so far. */
async function evaluate<C>({ settings, step, history, progress, made }: Run<C>): Promise<boolean> {
  let [sum, labels] = [0, 0];
  for (const batch of settings.evaluationBatches) {
    const part = await step.evaluate(batch);
    sum += part.loss * part.labels;
    labels += part.labels;
  }
  const record: EvaluationRecord = { step: made, loss: sum / labels };
  history.evaluations.push(record);
  progress.evaluated(record);
  const improved = history.best === undefined || record.loss < history.best.loss;
  if (improved) history.best = record;
  await settings.callbacks.onEvaluate?.(record);
  return improved;
}

async function saveWhenAborted<C>(run: Run<C>): Promise<void> {
  const { checkpoint } = run.settings;
  if (checkpoint === undefined || run.made === 0) return;
  if (run.lastCheckpoint !== checkpointPath(checkpoint.folder, run.made)) await save(run);
}

async function save<C>(run: Run<C>): Promise<void> {
  const { model, settings, step, history, made } = run;
  const { folder, keep, keepBest, alsoWrite } = settings.checkpoint!;
  const target = checkpointPath(folder, made);
  await writeCheckpoint(target, {
    parameters: step.saved(),
    optimizerState: step.state(),
    state: {
      step: made,
      identity: settings.identity,
      steps: history.steps,
      evaluations: history.evaluations,
      best: history.best,
      data: settings.stream?.state(),
    },
    alsoWrite: alsoWrite && ((staging) => alsoWrite({ ...model, params: step.params() } as unknown as Model, staging)),
  });
  run.lastCheckpoint = target;
  await pruneCheckpoints(folder, {
    step: made,
    keep,
    best: keepBest ? history.best?.step : undefined,
    damaged: run.damaged,
  });
  const record = { step: made, folder: target };
  history.checkpoints.push(record);
  await settings.callbacks.onCheckpoint?.(record);
}

import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs-core';
import { createKey, splitKey } from '@tesserae/core';
import type { ArchitectureConfig, Key, Model, Recompute } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import { modelIdentity } from '../checkpoints/index';
import type { Plain, RunIdentity } from '../checkpoints/index';
import { createBatchSampler, createTokenDataset } from '../data/index';
import type { TokenCache, TokenDataset, TokenSource } from '../data/index';
import { cutRows } from '../data/batch-sampler';
import { isTokenCache } from '../data/cache/token-cache';
import { textTooShort } from '../data/data-errors';
import { packingOf } from '../data/packing/packing-options';
import { checkVocabulary, isTokenDataset } from '../data/token-dataset';
import type { GradientMethod } from '../gradient-methods/index';
import type { Objective, ObjectiveBatch, PreparedData } from '../objectives/index';
import { longestRow } from '../objectives/padded-rows';
import { textRows } from '../objectives/text-rows';
import { adamw } from '../optimizers/index';
import type { Optimizer } from '../optimizers/index';
import { constant } from '../schedules/index';
import type { Schedule } from '../schedules/index';
import { precisionOf } from '../precision/mixed-precision';
import type { PrecisionPolicy } from '../precision/index';
import type { Regularizer } from '../regularizers/index';
import { modelLeaves } from './leaves';
import type { Trainable } from './leaves';
import { bucketsOf } from './bucketing';
import { checkPacking, textSequencesOf } from './packing';
import { checkTrainOptions } from './options';
import { callbacksOf } from './check-callbacks';
import type { BestOptions, CheckpointOptions, TrainOptions } from './options';
import { isStreamed, prepareStream } from './prepare-stream';
import type { StreamControl, StreamedData } from './prepare-stream';
import type { TrainingCallback } from '../callbacks/callback';

/** Checkpoint options with every default filled in. */
export type ResolvedCheckpoint = Required<Omit<CheckpointOptions, 'alsoWrite'>> & Pick<CheckpointOptions, 'alsoWrite'>;

/** Options with every default filled in, and what follows from them. */
export interface Settings {
  readonly steps: number;
  /** Rows of one update: batchSize · accumulationSteps. */
  readonly rows: number;
  readonly microBatchSize: number;
  readonly contextLength: number;
  readonly optimizer: Optimizer;
  readonly schedule: Schedule;
  readonly gradientClipNorm: number | undefined;
  readonly objective: Objective | undefined;
  readonly gradientClipValue: number | undefined;
  readonly precision: PrecisionPolicy | undefined;
  readonly recompute: Recompute | undefined;
  readonly chunkedLoss: boolean | number | undefined;
  readonly trainable: Trainable | undefined;
  readonly gradients: GradientMethod | undefined;
  readonly regularizers: readonly Regularizer[];
  readonly sampler: (step: number) => ObjectiveBatch | Promise<ObjectiveBatch>;
  /** Where batches come one after the other: what the loop tells their stream. */
  readonly stream: StreamControl | undefined;
  /** Batches of an evaluation; empty when there are no evaluations. */
  readonly evaluationBatches: readonly ObjectiveBatch[];
  readonly evaluateEvery: number | undefined;
  readonly checkpoint: ResolvedCheckpoint | undefined;
  readonly resume: boolean | string;
  readonly dropoutKey: Key;
  readonly identity: RunIdentity;
  readonly signal: AbortSignal | undefined;
  readonly whenAborted: 'throw' | 'return';
  readonly metrics: TrainOptions['metrics'];
  readonly best: BestOptions;
  readonly callbacks: readonly TrainingCallback[];
  readonly progress: boolean;
}

/**
 * Checks the options of `train` against each other, the model and the data, and fills in the defaults.
 *
 * @throws E_UNKNOWN_OPTION, E_OPTION, E_MODEL, E_EMPTY_TEXT, E_TOKENIZER, E_TEXT_TOO_SHORT, E_VOCABULARY
 */
export async function resolveSettings<C extends ArchitectureConfig>(
  model: Model<C>,
  options: TrainOptions,
): Promise<Settings> {
  checkModel(model);
  checkTrainOptions(options);
  checkPacking(model, options);
  const { steps, batchSize = 8, accumulationSteps = 1, seed = 0, evaluateEvery, order = 'windows' } = options;
  const rows = batchSize * accumulationSteps;
  const [dropoutKey] = splitKey(createKey(seed), 2).slice(1); // key 0 orders the data
  const optimizer = options.optimizer ?? adamw({ beta2: 0.95, weightDecay: 0.1 });
  const schedule = scheduleOf(optimizer, options.schedule);
  if (schedule.needsEvaluations === true && evaluateEvery === undefined) {
    throw tesseraeError({
      package: 'trainer',
      plugin: 'train',
      code: 'E_OPTION',
      message: `the schedule '${schedule.scheduleName}' follows the validation loss, and there are no evaluations`,
      fix: 'give evaluateEvery',
    });
  }
  const microBatchSize = options.microBatchSize ?? batchSize;
  const gradientClipNorm = options.gradientClipNorm === undefined ? 1 : (options.gradientClipNorm ?? undefined);
  const { objective } = options;
  const precision = precisionOf(options.precision);
  const packing = packingOf(options.packing);
  const prepared = await prepareData(model, options, rows);
  const { contextLength, sampler, evaluationBatches, fingerprint } = prepared;
  const trains = describeTrainable(model, options.trainable);
  const callbacks = callbacksOf(options.callbacks);
  return {
    steps,
    rows,
    microBatchSize,
    contextLength,
    optimizer,
    schedule,
    gradientClipNorm,
    objective,
    gradientClipValue: options.gradientClipValue,
    precision,
    recompute: options.recompute,
    chunkedLoss: options.chunkedLoss,
    trainable: options.trainable,
    gradients: options.gradients,
    regularizers: options.regularizers ?? [],
    sampler,
    stream: 'stream' in prepared ? prepared.stream : undefined,
    evaluateEvery,
    evaluationBatches,
    checkpoint: checkpointOf(options),
    resume: options.resume ?? false,
    dropoutKey,
    identity: {
      model: modelIdentity(model),
      data: fingerprint,
      options: {
        seed,
        rows,
        contextLength,
        order: typeof order === 'function' ? 'custom' : order,
        ...(options.bucketing !== undefined && { bucketing: options.bucketing as Plain }),
        ...(packing && { packing }),
        gradientClipNorm: gradientClipNorm ?? null,
        ...(objective && { objective: described(objective) }),
        ...(trains !== undefined && { trainable: trains }),
        ...(options.gradients && { gradients: described(options.gradients) }),
        ...(precision && { precision: described(precision) }),
        ...(options.regularizers && { regularizers: options.regularizers.map(described) }),
        ...(options.gradientClipValue !== undefined && { gradientClipValue: options.gradientClipValue }),
        optimizer: described(optimizer),
      },
      surroundings: {
        backend: tf.getBackend(),
        microBatchSize,
        schedule: describeSchedule(schedule),
        ...describeCallbacks(callbacks),
        ...(options.recompute && { recompute: options.recompute as Plain }),
        ...(options.chunkedLoss !== undefined && { chunkedLoss: options.chunkedLoss }),
      },
    },
    signal: options.signal,
    whenAborted: options.whenAborted ?? 'throw',
    metrics: options.metrics,
    best: bestOf(options),
    callbacks,
    progress: options.progress ?? true,
  };
}

/** Batches of whatever the data is. */
function prepareData<C extends ArchitectureConfig>(
  model: Model<C>,
  options: TrainOptions,
  rows: number,
): PreparedData | Promise<PreparedData> | Promise<StreamedData> {
  const { data, objective } = options;
  if (isStreamed(data)) {
    const contextLength = objective === undefined ? contextLengthOf(model, options.contextLength) : 0;
    return prepareStream(model, data, options, contextLength);
  }
  if (options.prepareIn === 'worker')
    throw tesseraeError({
      package: 'trainer',
      plugin: 'train',
      code: 'E_OPTION',
      message: 'a worker prepares sources of rows, and the data is none',
      fix: 'give what readRows returns, or leave prepareIn out',
    });
  if (objective !== undefined) return prepareRows(model, options, objective, rows);
  if (options.packing !== undefined && options.packing !== false) return preparePackedTexts(model, options, rows);
  if (options.bucketing === undefined || options.bucketing === false) return prepareText(model, options, rows);
  throw tesseraeError({
    package: 'trainer',
    plugin: 'train',
    code: 'E_OPTION',
    message: 'bucketing is given, but windows of text are all of one length',
    fix: 'leave it out',
  });
}

/** Text, cut into windows for the prediction of the next token. */
function prepareText<C extends ArchitectureConfig>(model: Model<C>, options: TrainOptions, rows: number): PreparedData {
  const { batchSize = 8, seed = 0, evaluateEvery, order = 'windows' } = options;
  const contextLength = contextLengthOf(model, options.contextLength);
  const dataset = datasetOf(model, options);
  checkVocabulary(dataset, model.config.vocabSize);
  const sampler =
    typeof order === 'function'
      ? order
      : createBatchSampler(dataset.train, { batchSize: rows, contextLength, order, seed });
  const { microBatchSize = batchSize, evaluationBatches: batches = 8 } = options;
  const evaluationBatches =
    evaluateEvery === undefined ? [] : evaluationBatchesOf(dataset, batches, microBatchSize, contextLength);
  return { contextLength, sampler, evaluationBatches, fingerprint: dataset.fingerprint };
}

/** Texts of a list, each a sequence of its own, or several where it is long. */
function preparePackedTexts<C extends ArchitectureConfig>(
  model: Model<C>,
  options: TrainOptions,
  rows: number,
): PreparedData | Promise<PreparedData> {
  const { data } = options;
  if (!Array.isArray(data) || typeof (data as unknown[])[0] === 'number')
    throw tesseraeError({
      package: 'trainer',
      plugin: 'train',
      code: 'E_OPTION',
      message: 'packing is given, but windows of one text leave nothing to fill',
      fix: 'leave it out, or give a list of texts or a source of rows',
    });
  const texts = textSequencesOf(model as unknown as Model, options, contextLengthOf(model, options.contextLength));
  return prepareRows(model, options, textRows(texts), rows);
}

/** Rows, made into batches by an objective. */
function prepareRows<C extends ArchitectureConfig>(
  model: Model<C>,
  options: TrainOptions,
  objective: Pick<Objective, 'name' | 'prepare'>,
  rows: number,
): PreparedData | Promise<PreparedData> {
  const { batchSize = 8, seed = 0, evaluateEvery, validationFraction = 0.1 } = options;
  if (options.order !== undefined)
    throw tesseraeError({
      package: 'trainer',
      plugin: 'train',
      code: 'E_OPTION',
      message: `order is given, but ${objective.name} orders its rows itself`,
      fix: 'leave order out',
    });
  return objective.prepare(model as unknown as Model, options.data, {
    rows,
    evaluationRows: options.microBatchSize ?? batchSize,
    evaluationBatches: evaluateEvery === undefined ? 0 : (options.evaluationBatches ?? 8),
    contextLength: options.contextLength,
    validationFraction,
    seed,
    ...bucketsOf(options.bucketing, longestRow(model as unknown as Model, { contextLength: options.contextLength })),
    packing: packingOf(options.packing),
    signal: options.signal,
    progress: options.progress ?? true,
  });
}

function checkModel<C>(model: Model<C>): void {
  const given = model as Partial<Model<C>> | null | undefined;
  if (typeof given?.architecture?.forward === 'function' && typeof given.params === 'object') return;
  throw tesseraeError({
    package: 'trainer',
    plugin: 'train',
    code: 'E_MODEL',
    message: 'the first argument is no model',
    fix: 'pass what createModel or loadPretrained returns',
  });
}

function contextLengthOf<C extends ArchitectureConfig>(model: Model<C>, wanted: number | undefined): number {
  const longest = model.config.maxPositionEmbeddings;
  if (wanted === undefined || wanted <= longest) return wanted ?? longest;
  throw tesseraeError({
    package: 'trainer',
    plugin: 'train',
    code: 'E_OPTION',
    message: `contextLength ${wanted} exceeds the model's ${longest} positions`,
    fix: `use at most ${longest}, or a model with more maxPositionEmbeddings`,
  });
}

function datasetOf<C>(model: Model<C>, { data, validationFraction }: TrainOptions): TokenDataset | TokenCache {
  if (!isTokenDataset(data) && !isTokenCache(data)) {
    return createTokenDataset(data as TokenSource, {
      tokenizer: model.tokenizer,
      ...(validationFraction === undefined ? {} : { validationFraction }),
    });
  }
  if (validationFraction === undefined) return data;
  throw tesseraeError({
    package: 'trainer',
    plugin: 'train',
    code: 'E_OPTION',
    message: 'validationFraction is given, but the data is split already',
    fix: 'leave it out, or give it to createTokenDataset',
  });
}

function scheduleOf(optimizer: Optimizer, schedule: Schedule | undefined): Schedule {
  if (schedule === undefined) return constant({ learningRate: optimizer.learningRate ?? 3e-4 });
  const highest = schedule.hyperparameters?.learningRate;
  if (optimizer.learningRate === undefined || highest === undefined || highest === optimizer.learningRate)
    return schedule;
  throw tesseraeError({
    package: 'trainer',
    plugin: 'train',
    code: 'E_OPTION',
    message: `the optimizer has learningRate ${optimizer.learningRate} and the schedule ${highest}`,
    fix: 'give it once, to the schedule',
  });
}

/** Name and hyperparameters of a part of the run, as a checkpoint remembers them. */
const described = (part: { name: string; hyperparameters: Readonly<Record<string, unknown>> }): Plain => ({
  name: part.name,
  ...(part.hyperparameters as Record<string, Plain>),
});

/** How many parameters learn and which: a hash of their paths; undefined where nothing says so. */
function describeTrainable<C>(model: Model<C>, trainable: Trainable | undefined): Plain | undefined {
  if (trainable === undefined && model.trainable === undefined) return undefined;
  const paths = modelLeaves(model, trainable).flatMap(({ path, learns }) => (learns ? [path] : []));
  return { parameters: paths.length, sha256: createHash('sha256').update(paths.join()).digest('hex') };
}

/** Those of the callbacks that the course of a run depends on. */
function describeCallbacks(callbacks: readonly TrainingCallback[]): { readonly [name: string]: Plain } {
  const steering = callbacks.flatMap(({ name = 'callback', hyperparameters }) =>
    hyperparameters ? [{ name, ...hyperparameters }] : [],
  );
  return steering.length > 0 ? { callbacks: steering } : {};
}

/** @throws E_OPTION when the best model cannot be known at the end */
function bestOf({ best = {}, evaluateEvery, checkpoint }: TrainOptions): BestOptions {
  if (best.restore !== true || (evaluateEvery !== undefined && checkpoint?.keepBest !== false)) return best;
  throw tesseraeError({
    package: 'trainer',
    plugin: 'train',
    code: 'E_OPTION',
    message:
      evaluateEvery === undefined
        ? 'best.restore needs evaluations, and there are none'
        : 'best.restore needs the checkpoint of the best evaluation, and checkpoint.keepBest is false',
    fix: evaluateEvery === undefined ? 'give evaluateEvery' : 'leave keepBest out',
  });
}

const describeSchedule = (schedule: Schedule): Plain =>
  schedule.scheduleName === undefined ? 'custom' : { name: schedule.scheduleName, ...schedule.hyperparameters };

/** Windows spread evenly over the validation ids: the same at every evaluation, so that losses compare. */
function evaluationBatchesOf(
  { validation }: TokenDataset | TokenCache,
  batches: number,
  rows: number,
  contextLength: number,
): ObjectiveBatch[] {
  const places = validation.length - contextLength;
  if (places < 1) throw textTooShort('validation', validation.length, contextLength);
  const wanted = Math.min(batches * rows, Math.ceil(places / contextLength)); // a short text is not read twice
  const windows = wanted > rows ? wanted - (wanted % rows) : wanted; // whole batches: one shape, one program
  const starts = Array.from({ length: windows }, (_, i) => Math.floor((i * (places - 1)) / Math.max(1, windows - 1)));
  const found: ObjectiveBatch[] = [];
  for (let i = 0; i < windows; i += rows) found.push(cutRows(validation, starts.slice(i, i + rows), contextLength));
  return found;
}

function checkpointOf(options: TrainOptions): ResolvedCheckpoint | undefined {
  const { checkpoint, resume, steps, evaluateEvery } = options;
  if (checkpoint === undefined) {
    if (resume !== true) return undefined;
    throw tesseraeError({
      package: 'trainer',
      plugin: 'train',
      code: 'E_OPTION',
      message: 'resume: true needs a folder to look for checkpoints in',
      fix: 'give checkpoint.folder, or resume with the path of a checkpoint',
    });
  }
  return {
    folder: checkpoint.folder,
    every: checkpoint.every ?? Math.max(1, Math.ceil(steps / 10)),
    keep: checkpoint.keep ?? 2,
    keepBest: (checkpoint.keepBest ?? true) && evaluateEvery !== undefined,
    overwrite: checkpoint.overwrite ?? false,
    alsoWrite: checkpoint.alsoWrite,
  };
}

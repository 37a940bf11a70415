import type { ArchitectureConfig, Model } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import type { Plain } from '../checkpoints/index';
import { cutRows } from '../data/batch-sampler';
import { textTooShort } from '../data/data-errors';
import type { RowSource, RowSplits, SkippedRows } from '../data/index';
import { hashOf } from '../data/rows/row-core';
import { tokenizerPrint } from '../data/tokenizer-print';
import { badState } from '../data/rows/row-errors';
import { isRowSource } from '../data/rows/row-source';
import { openStream } from '../data/streams/batch-stream';
import type { BatchStream } from '../data/streams/batch-stream';
import type { BatchEvents } from '../data/streams/batch-events';
import { packingOf } from '../data/packing/packing-options';
import { packedEvents } from '../data/streams/packed-events';
import { rowEvents, withPlace } from '../data/streams/row-events';
import { textEvents, textIds } from '../data/streams/text-events';
import type { TextWindows } from '../data/streams/text-events';
import { describePreparation } from '../data/worker/describe';
import type { Making } from '../data/worker/describe';
import { workerEvents } from '../data/worker/worker-events';
import type { Objective, ObjectiveBatch, ObjectiveSettings, PreparedData } from '../objectives/index';
import { longestRow } from '../objectives/padded-rows';
import { textRows } from '../objectives/text-rows';
import type { TextSequences } from '../objectives/text-rows';
import type { TrainOptions } from './options';
import { bucketsOf } from './bucketing';
import { textSequencesOf } from './packing';

/** Batches that are made ahead of the step that needs them. */
const AHEAD = 4;

/** Batches that come one after the other, as the loop sees them. */
export interface StreamControl {
  /** Says before the first batch where the run begins. */
  begin(step: number, state: Plain | undefined): void;
  /** Where the stream stands, for a checkpoint. */
  state(): Plain;
  /** Rows that an epoch has passed over. */
  skipped(): SkippedRows;
  close(): Promise<void>;
}

/** Data that is read while training goes on. */
export interface StreamedData extends Omit<PreparedData, 'sampler'> {
  readonly sampler: (step: number) => Promise<ObjectiveBatch>;
  readonly stream: StreamControl;
}

/** Whether data is a source of rows, or splits of them. */
export const isStreamed = (data: unknown): data is RowSource<unknown> | RowSplits<unknown> =>
  isRowSource(data) ||
  (typeof data === 'object' && data !== null && isRowSource((data as Partial<RowSplits<unknown>>).train));

/** Rows of sources, made into batches while training goes on: windows of their texts, or what the objective makes of them. */
export async function prepareStream<C extends ArchitectureConfig>(
  model: Model<C>,
  data: RowSource<unknown> | RowSplits<unknown>,
  options: TrainOptions,
  contextLength: number,
): Promise<StreamedData> {
  if (options.order !== undefined)
    throw wrongOption(
      'order is given, but the rows of a source come in its own order',
      'leave it out, or shuffle the source',
    );
  const { train, validation } = partsOf(data, options);
  const learner = model as unknown as Model;
  const { objective } = options;
  const made =
    objective !== undefined || options.packing
      ? await rowData(learner, train, validation, options, contextLength)
      : await textData(learner, train, validation, options, contextLength);
  const prints = [await train.fingerprint(), (await validation?.fingerprint()) ?? '', tokenizerPrint(model.tokenizer)];
  const fingerprint = hashOf('stream', ...prints, made.identity);
  if (options.prepareIn !== 'worker') return { ...made, fingerprint, ...streamOf(made.events, () => train.skipped) };
  const preparation = describePreparation(learner, train, made.making);
  let skipped: SkippedRows = { count: 0, examples: [] };
  const events = workerEvents(preparation, (told) => (skipped = told));
  return { ...made, fingerprint, ...streamOf(events, () => skipped) };
}

interface Made {
  readonly events: BatchEvents;
  /** What makes them, for a worker. */
  readonly making: Making;
  readonly evaluationBatches: readonly ObjectiveBatch[];
  readonly contextLength: number;
  readonly identity: string;
}

interface Parts {
  readonly train: RowSource<unknown>;
  readonly validation: RowSource<unknown> | undefined;
}

function partsOf(
  data: RowSource<unknown> | RowSplits<unknown>,
  { evaluateEvery, validationFraction }: TrainOptions,
): Parts {
  const evaluates = evaluateEvery !== undefined;
  const { train, validation } = isRowSource(data) ? { train: data, validation: undefined } : data;
  if (validation !== undefined) {
    if (validationFraction === undefined) return { train, validation: evaluates ? validation : undefined };
    throw wrongOption('validationFraction is given, but the data is split already', 'leave it out');
  }
  const share = validationFraction ?? (evaluates ? 0.1 : 0);
  if (share === 0) return { train, validation: undefined };
  const split = (train as RowSource<unknown>).split(share);
  return { train: split.train, validation: evaluates ? split.validation : undefined };
}

async function textData(
  model: Model,
  train: RowSource<unknown>,
  validation: RowSource<unknown> | undefined,
  options: TrainOptions,
  contextLength: number,
): Promise<Made> {
  const { batchSize = 8, accumulationSteps = 1 } = options;
  if (options.bucketing !== undefined && options.bucketing !== false)
    throw wrongOption('bucketing is given, but windows of text are all of one length', 'leave it out');
  const windows = { ...textSequencesOf(model, options, contextLength), rows: batchSize * accumulationSteps };
  const evaluationBatches = validation === undefined ? [] : await textEvaluation(validation, windows, options);
  const identity = JSON.stringify([windows.column, windows.endId ?? null, contextLength]);
  const { tokenizer: _own, ...text } = windows;
  return { events: textEvents(train, windows), making: { text }, evaluationBatches, contextLength, identity };
}

/** The first windows of the validation texts. */
async function textEvaluation(
  source: RowSource<unknown>,
  windows: TextWindows,
  { batchSize = 8, microBatchSize = batchSize, evaluationBatches = 8 }: TrainOptions,
): Promise<ObjectiveBatch[]> {
  const { contextLength: T } = windows;
  const wanted = evaluationBatches * microBatchSize * T + 1;
  const ids: number[] = [];
  for await (const row of source) {
    for (const id of textIds(row, windows)) ids.push(id);
    if (ids.length >= wanted) break;
  }
  const found = Math.floor((Math.min(ids.length, wanted) - 1) / T);
  if (found < 1) throw textTooShort('validation', ids.length, T);
  const count = found > microBatchSize ? found - (found % microBatchSize) : found; // whole batches: one program
  const all = Int32Array.from(ids);
  const batches: ObjectiveBatch[] = [];
  for (let i = 0; i < count; i += microBatchSize) {
    const rows = Math.min(microBatchSize, count - i);
    batches.push(
      cutRows(
        all,
        Array.from({ length: rows }, (_, row) => (i + row) * T),
        T,
      ),
    );
  }
  return batches;
}

async function rowData(
  model: Model,
  train: RowSource<unknown>,
  validation: RowSource<unknown> | undefined,
  options: TrainOptions,
  textLength: number,
): Promise<Made> {
  const { batchSize = 8, accumulationSteps = 1, microBatchSize = batchSize, seed = 0 } = options;
  const texts = options.objective === undefined ? textSequencesOf(model, options, textLength) : undefined;
  const objective = options.objective ?? textRows(texts!);
  const packing = packingOf(options.packing);
  const form: ObjectiveSettings = {
    rows: batchSize * accumulationSteps,
    evaluationRows: microBatchSize,
    evaluationBatches: validation === undefined ? 0 : (options.evaluationBatches ?? 8),
    contextLength: texts?.contextLength ?? options.contextLength,
    validationFraction: 0,
    seed,
  };
  const longest = longestRow(model, form);
  const settings: ObjectiveSettings = packing
    ? { ...form, packing }
    : { ...form, ...bucketsOf(options.bucketing ?? { batches: 1 }, longest) };
  const evaluation = validation && (await rowEvaluation(model, validation, settings, objective));
  return {
    events: (packing ? packedEvents : rowEvents)(train, { objective, model, settings }),
    making: { ...(texts ? { texts: withoutTokenizer(texts) } : { objective: options.objective! }), settings },
    evaluationBatches: evaluation?.evaluationBatches ?? [],
    contextLength: longest,
    identity: JSON.stringify([objective.name, settings.widths, settings.groupBatches, ...identityOf(texts)]),
  };
}

const withoutTokenizer = ({ tokenizer: _own, ...texts }: TextSequences): Omit<TextSequences, 'tokenizer'> => texts;

const identityOf = (texts: TextSequences | undefined): unknown[] =>
  texts === undefined ? [] : [texts.column, texts.endId ?? null, texts.contextLength];

/** The first rows of the validation source, all as wide as the longest row can be. */
async function rowEvaluation(
  model: Model,
  source: RowSource<unknown>,
  settings: ObjectiveSettings,
  objective: Pick<Objective, 'prepare'>,
): Promise<PreparedData> {
  const rows: unknown[] = [];
  for await (const row of source.take(settings.evaluationBatches * settings.evaluationRows)) rows.push(row);
  if (rows.length === 0)
    throw tesseraeError({
      package: 'trainer',
      plugin: 'train',
      code: 'E_SPLIT',
      message: 'there is no row to evaluate with',
      fix: 'give a validation split with rows, raise validationFraction, or leave evaluateEvery out',
    });
  const validationFraction = rows.length / (rows.length + 1); // the first row stands for those to learn from
  const widths = settings.widths?.slice(-1);
  try {
    return await objective.prepare(model, [rows[0], ...rows], { ...settings, validationFraction, widths });
  } catch (error) {
    throw withPlace(error, [rows[0], ...rows]);
  }
}

/** A stream that begins where it is told, and is asked for one step after the other. */
function streamOf(events: BatchEvents, skipped: () => SkippedRows): Pick<StreamedData, 'sampler' | 'stream'> {
  let stream: BatchStream | undefined;
  let next = 0;
  return {
    async sampler(step) {
      if (step !== next) throw badState(`it stands before step ${next}, and step ${step} was asked for`);
      stream ??= openStream(events, undefined, AHEAD);
      const batch = await stream.next();
      next = step + 1;
      return batch;
    },
    stream: {
      begin(step, state) {
        if (step > 0 && state === undefined) throw badState('the checkpoint does not say where the data stands');
        next = step;
        void stream?.close(); // of a run that goes back
        stream = openStream(events, state, AHEAD);
      },
      state: () => stream?.state() ?? null,
      skipped,
      close: async () => stream?.close(),
    },
  };
}

const wrongOption = (message: string, fix: string): Error =>
  tesseraeError({ package: 'trainer', plugin: 'train', code: 'E_OPTION', message, fix });

import { readdirSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import type { Tensor } from '@tensorflow/tfjs-core';
import { flattenParams, isWeightForm } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { logExists } from '../event-files/append-file';
import { restartRecord, summaryRecord, versionRecord } from '../event-files/events';
import type { Summary } from '../event-files/events';
import { histogramOf } from '../event-files/histogram';
import { endOfRecords } from '../event-files/records';
import type { StatisticsRecord } from '../loop/history';
import { checkOptions, required, rules } from '../options';
import type { TrainingCallback, TrainingContext } from './callback';
import { logPlace, openRunLog } from './log-state';
import type { RunLog } from './log-state';

/** Options of {@link tensorBoard}. */
export interface TensorBoardOptions {
  /** The folder of this run, `runs/story/events` for instance: `tensorboard --logdir runs` shows all that are in `runs`. */
  readonly folder: string;
  /** Steps from one point of the curves to the next: 1. */
  readonly every?: number;
  /** Steps from one measurement of gradients and weights to the next; none when absent. */
  readonly statisticsEvery?: number;
  /** Steps from one histogram of every weight to the next; none when absent. */
  readonly histogramsEvery?: number;
  /** Begin anew where event files of an earlier run stand: false. */
  readonly overwrite?: boolean;
}

/**
 * Writes a run as TensorBoard reads it: curves of loss, gradient norm, learning rate, speed, validation scores and, when
 * asked for, gradients and weights layer by layer and histograms of the weights; options and rollbacks as text.
 *
 * Every record is written whole. A run that is resumed goes on in the same file: what was written after its checkpoint is
 * cut off, so that no step is there twice. A rollback tells TensorBoard to forget the steps that were taken back.
 *
 * @param options the folder, and how often what is written
 * @returns the callback
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be; E_LOG_EXISTS when a new run finds event files, E_LOG_FILE
 *   when the file cannot be written at the start (later: a warning, and the run goes on)
 *
 * Reference: event files of TensorFlow (`event.proto`, `summary.proto`), read by TensorBoard 2.
 *
 * @example
 * ```ts
 * import { mkdtempSync, readdirSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import path from 'node:path';
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, disposeModel, gpt2 } from '@tesserae/core';
 * import { sgd, tensorBoard, train } from '@tesserae/trainer';
 * const config = { vocabSize: 4, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 8 };
 * const start = createModel(gpt2, config, { seed: 1 });
 * const data = Array.from({ length: 200 }, (_, i) => i % 4);
 * const folder = mkdtempSync(path.join(tmpdir(), 'example-'));
 * const options = { data, steps: 2, batchSize: 2, optimizer: sgd(), progress: false };
 * const { model } = await train(start, { ...options, callbacks: tensorBoard({ folder }) });
 * console.log(readdirSync(folder)[0].startsWith('events.out.tfevents.')); // → true
 * disposeModel(start);
 * disposeModel(model);
 * ```
 */
export const tensorBoard: Plugin<'callback', 'tensor-board', (options: TensorBoardOptions) => TrainingCallback> =
  /* @__PURE__ */ definePlugin({
    kind: 'callback',
    name: 'tensor-board',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Writes a run as event files for TensorBoard',
    create: createTensorBoard,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'callback:tensor-board': typeof tensorBoard;
  }
}

function createTensorBoard(options: TensorBoardOptions): TrainingCallback {
  checkOptions<TensorBoardOptions>('tensor-board', options, {
    folder: required(rules.string),
    every: rules.positiveInteger,
    statisticsEvery: rules.positiveInteger,
    histogramsEvery: rules.positiveInteger,
    overwrite: rules.boolean,
  });
  const { every = 1, statisticsEvery, histogramsEvery } = options;
  let log: RunLog | undefined;
  const seconds = (): number => Date.now() / 1000;
  const write = (step: number, summaries: readonly Summary[]): void =>
    log?.append(summaryRecord(seconds(), step, summaries));
  return {
    name: 'tensor-board',
    ...(statisticsEvery !== undefined && { statisticsEvery }),
    onStart(context, state) {
      log = openEventFile(options, context, state);
      if (logPlace(state) !== undefined) return;
      log.append(versionRecord(seconds()));
      write(0, [{ tag: 'run', text: `    ${JSON.stringify(context.identity, null, 2).replaceAll('\n', '\n    ')}` }]);
    },
    async onStep({ step, loss, gradientNorm, learningRate, tokensPerSecond }, context) {
      if (step % every === 0)
        write(step, [
          { tag: 'loss/train', scalar: loss },
          { tag: 'training/gradient-norm', scalar: gradientNorm },
          { tag: 'training/learning-rate', scalar: learningRate },
          { tag: 'training/tokens-per-second', scalar: tokensPerSecond },
        ]);
      if (histogramsEvery !== undefined && step % histogramsEvery === 0) write(step, await histograms(context.model()));
    },
    onEvaluate: ({ step, loss, metrics }) =>
      write(step, [
        { tag: 'loss/validation', scalar: loss },
        ...Object.entries(metrics ?? {}).map(([name, scalar]) => ({ tag: `validation/${name}`, scalar })),
      ]),
    onStatistics: (record) => write(record.step, statistics(record)),
    onRollback({ step, to, reason }) {
      log?.append(restartRecord(seconds(), to + 1));
      write(to, [{ tag: 'rollbacks', text: `Step ${step}: ${reason}. Back to the state after step ${to}.` }]);
    },
    saveState: () => log?.place() ?? null,
    close() {
      log?.close();
      log = undefined;
    },
  };
}

const NAME = /^events\.out\.tfevents\.\d+\..*\.tesserae$/;

function openEventFile(
  { folder, overwrite = false }: TensorBoardOptions,
  context: TrainingContext,
  state: Parameters<NonNullable<TrainingCallback['onStart']>>[1],
): RunLog {
  const place = logPlace(state);
  const there = namesIn(folder)
    .filter((name) => NAME.test(name))
    .sort();
  if (place === undefined && there.length > 0 && !overwrite && !context.resume)
    throw logExists('tensor-board', path.join(folder, there[0]));
  const fresh = `events.out.tfevents.${String(Math.floor(Date.now() / 1000)).padStart(10, '0')}.${hostname()}.tesserae`;
  const name = place === undefined ? (there.at(-1) ?? fresh) : path.basename(place.file);
  if (place === undefined && overwrite) for (const old of there) if (old !== name) rmSync(path.join(folder, old));
  const file = path.join(folder, name); // the folder may have moved
  return openRunLog({ speaker: 'tensor-board', file, overwrite: true, place, endOfRecords }, context);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // it is made when the file is opened, which also says what is wrong
  }
}

const statistics = ({ layers }: StatisticsRecord): Summary[] =>
  Object.entries(layers).flatMap(([layer, { gradientNorm, gradientMaximum, weightNorm, updateRatio }]) => [
    { tag: `gradient-norm/${layer}`, scalar: gradientNorm },
    { tag: `gradient-maximum/${layer}`, scalar: gradientMaximum },
    { tag: `weight-norm/${layer}`, scalar: weightNorm },
    { tag: `update-ratio/${layer}`, scalar: updateRatio },
  ]);

async function histograms({ params }: Model): Promise<Summary[]> {
  const summaries: Summary[] = [];
  for (const [tag, weight] of flattenParams(params)) {
    if (isWeightForm(weight)) continue;
    const histogram = histogramOf(await (weight as Tensor).data());
    if (histogram !== undefined) summaries.push({ tag: `weights/${tag}`, histogram });
  }
  return summaries;
}

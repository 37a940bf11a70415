import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { countParameters, createModel, disposeAdapter, disposeModel, gpt2, llama, selectBackend } from '@tesserae/core';
import type { BackendName, Model, Recompute } from '@tesserae/core';
import { saveAdapter, savePretrained } from '@tesserae/hub';
import { isTesseraeError } from '@tesserae/registry';
import {
  loadTokenizer,
  trainByteLevelBpe,
  trainCharacterTokenizer,
  trainUnigram,
  trainWordPiece,
} from '@tesserae/tokenizer';
import type { Tokenizer } from '@tesserae/tokenizer';
import {
  adafactor,
  adam,
  adamw,
  constant,
  cosine,
  earlyStopping,
  findLearningRate,
  jsonLines,
  linearDecay,
  lion,
  liveChart,
  lossSpikes,
  muon,
  readRows,
  readTextFile,
  sgd,
  tensorBoard,
  train,
} from '@tesserae/trainer';
import type {
  DataRow,
  Optimizer,
  PrecisionOption,
  RowSource,
  Schedule,
  TrainingCallback,
  TrainOptions,
} from '@tesserae/trainer';
import type { Command } from 'commander';
import { problem } from '../problem';
import { addAdapterFlags, checkAdapterFlags, withAdapterOf } from './adapter-flags';
import type { AdapterFlags } from './adapter-flags';
import type { CommandContext } from './context';
import { loadModel, MODEL_WORDS } from './load-model';
import { real, whole } from './parse';

interface TrainFlags extends AdapterFlags {
  text?: string;
  data?: string[];
  textColumn: string;
  unreadable: string;
  output: string;
  from?: string;
  form: string;
  tokenizer: string;
  vocab: number;
  layers: number;
  heads: number;
  width: number;
  context: number;
  batch: number;
  microBatch?: number;
  accumulate: number;
  steps: number;
  learningRate: number;
  optimizer: string;
  schedule: string;
  warmup: number;
  clip: number;
  evaluateEvery: number;
  dropout: number;
  precision?: string;
  recompute?: string | true;
  seed: number;
  findRate?: boolean;
  log?: string;
  tensorboard?: string;
  earlyStop?: number;
  spikes?: boolean;
  chart?: boolean;
  resume?: boolean;
  overwrite?: boolean;
  backend?: string;
  json?: boolean;
}

const optimizers: Readonly<Record<string, (learningRate: number) => Optimizer>> = {
  adamw: () => adamw({ beta2: 0.95, weightDecay: 0.1 }),
  adam: () => adam({ beta2: 0.95 }),
  sgd: () => sgd({ momentum: 0.9 }),
  lion: () => lion({ weightDecay: 1 }),
  muon: (learningRate) => muon({ learningRate }),
  adafactor: () => adafactor({ stepSize: 'fixed', scaleByParameter: false }),
};

function optimizerOf({ optimizer, learningRate }: TrainFlags): Optimizer {
  if (Object.hasOwn(optimizers, optimizer)) return optimizers[optimizer](learningRate);
  throw problem('E_OPTION', `there is no optimizer '${optimizer}'`, `use one of ${Object.keys(optimizers).join(', ')}`);
}

/** `tesserae train`: a text and a folder, from nothing or from a model that is there. */
export function addTrain(program: Command, context: CommandContext): void {
  const command = program
    .command('train')
    .description('train a decoder-only model on a UTF-8 text, or on the texts of rows')
    .option('--text <file>', 'what to learn from: a text')
    .option('--data <path...>', 'or rows with texts: JSON lines, CSV, Parquet; files, folders or patterns')
    .option('--text-column <name>', 'the column of the rows that holds the text', 'text')
    .option('--unreadable <policy>', 'rows that cannot be read: throw or skip', 'throw')
    .option('--output <folder>', 'where the model and the checkpoints go', path.join('out', 'train'))
    .option('--from <model>', `start from ${MODEL_WORDS}, instead of a new one`)
    .option('--form <name>', 'gpt2 or llama', 'gpt2')
    .option('--tokenizer <kind>', `${Object.keys(tokenizers).join(', ')}, or a tokenizer.json`, 'bpe')
    .option('--vocab <n>', 'tokens of a new tokenizer', whole(1), 1024)
    .option('--layers <n>', 'layers', whole(1), 4)
    .option('--heads <n>', 'attention heads', whole(1), 4)
    .option('--width <n>', 'hidden size', whole(1), 256)
    .option('--context <n>', 'tokens of a row', whole(1), 128)
    .option('--batch <n>', 'rows of a batch', whole(1), 16)
    .option('--micro-batch <n>', 'rows that go through the model at a time', whole(1))
    .option('--accumulate <n>', 'batches averaged into one update', whole(1), 1)
    .option('--steps <n>', 'updates in all', whole(1), 1000)
    .option('--learning-rate <rate>', 'highest rate', real(0), 1e-3)
    .option('--optimizer <name>', Object.keys(optimizers).join(', '), 'adamw')
    .option('--schedule <name>', 'constant, linear or cosine', 'cosine')
    .option('--warmup <n>', 'steps over which the rate rises', whole(0), 100)
    .option('--clip <norm>', 'largest gradient norm, 0 for no limit', real(0), 1)
    .option('--evaluate-every <n>', 'steps between looks at the validation text', whole(1), 100)
    .option('--dropout <share>', 'dropout of a new model', real(0), 0)
    .option('--precision <type>', 'products in float16, bfloat16 or float8 instead of float32')
    .option('--recompute [parts]', 'run layers again instead of keeping them: blocks, or attention,feedForward')
    .option('--seed <n>', 'decides weights and order', whole(0), 0)
    .option('--find-rate', 'find the highest rate by a range test, instead of --learning-rate; draws learning-rate.svg')
    .option('--log <file>', 'write what happens as lines of JSON')
    .option('--tensorboard <folder>', 'write event files for TensorBoard')
    .option(
      '--early-stop <n>',
      'end after n looks at the validation text without progress, with the best model',
      whole(1),
    )
    .option('--spikes', 'go back when the loss shoots up, and leave out the batches that did it')
    .option('--chart', 'draw the losses while it runs')
    .option('--resume', 'continue from the newest checkpoint in the output folder')
    .option('--overwrite', 'remove the checkpoints of an earlier run')
    .option('--backend <name>', 'tfjs-node-gpu, onnx, tfjs-node, wasm or cpu')
    .option('--json', 'print one line of JSON at the end');
  addAdapterFlags(command).action(async (flags: TrainFlags) => run(flags, context));
}

/** Callbacks of the flags. */
function callbacksOf({
  log,
  tensorboard,
  earlyStop,
  spikes,
  chart,
  overwrite = false,
}: TrainFlags): TrainingCallback[] {
  return [
    ...(spikes ? [lossSpikes()] : []),
    ...(earlyStop === undefined ? [] : [earlyStopping({ patience: earlyStop })]),
    ...(log === undefined ? [] : [jsonLines({ file: log, overwrite })]),
    ...(tensorboard === undefined ? [] : [tensorBoard({ folder: tensorboard, overwrite })]),
    ...(chart ? [liveChart()] : []),
  ];
}

/** In what numbers products are made, and what runs again, as the flags say. */
function meansOf({ precision, recompute }: TrainFlags): { precision?: PrecisionOption; recompute?: Recompute } {
  const parts = recompute === true || recompute === 'blocks' ? 'blocks' : recompute?.split(',');
  return {
    ...(precision !== undefined && { precision: precision as PrecisionOption }), // `train` refuses what it does not know
    ...(parts !== undefined && { recompute: parts as Recompute }),
  };
}

/** The flags with the rate that a sweep finds, where one was asked for; a drawing of it stays in the output folder. */
async function withRate(
  flags: TrainFlags,
  start: Model,
  learned: Learned,
  context: CommandContext,
): Promise<TrainFlags> {
  if (!flags.findRate) return flags;
  const { suggestion, draw } = await findLearningRate(start, {
    ...learned,
    optimizer: optimizerOf(flags),
    signal: context.signal,
  });
  const file = path.join(flags.output, 'learning-rate.svg');
  await mkdir(flags.output, { recursive: true });
  await writeFile(file, (await draw()).svg);
  if (suggestion === undefined)
    throw problem(
      'E_OPTION',
      `the loss fell at no rate of the sweep (${file})`,
      'give --learning-rate instead of --find-rate',
    );
  context.note(`learning rate ${suggestion.toExponential(2)}, where the loss fell fastest (${file})`);
  return { ...flags, learningRate: suggestion };
}

/** What is learned from, in which portions and numbers: the same in a sweep and in training. */
type Learned = Pick<
  TrainOptions,
  | 'data'
  | 'textColumn'
  | 'batchSize'
  | 'microBatchSize'
  | 'accumulationSteps'
  | 'contextLength'
  | 'gradientClipNorm'
  | 'precision'
  | 'recompute'
  | 'seed'
>;

const learnedOf = (flags: TrainFlags, data: Learned['data']): Learned => ({
  data,
  ...(typeof data !== 'string' && { textColumn: flags.textColumn }),
  batchSize: flags.batch,
  ...(flags.microBatch !== undefined && { microBatchSize: flags.microBatch }),
  accumulationSteps: flags.accumulate,
  contextLength: flags.context,
  gradientClipNorm: flags.clip === 0 ? null : flags.clip,
  ...meansOf(flags),
  seed: flags.seed,
});

async function run(given: TrainFlags, context: CommandContext): Promise<void> {
  let flags = given;
  checkAdapterFlags(flags);
  for (const check of [optimizerOf, scheduleOf]) check(flags); // before anything is read
  const backend = await selectBackend({
    log: (line) => context.note(line),
    ...(flags.backend && { prefer: flags.backend as BackendName }),
  });
  const data = dataOf(flags);
  const text = typeof data === 'string' ? await readTextFile(data) : await sampleOf(data, flags);
  const base = flags.from === undefined ? freshModel(flags, text) : await loadModel(flags.from, context);
  const checkpoints = path.join(flags.output, 'checkpoints');
  context.note(`${countParameters(base).toLocaleString('en')} parameters; checkpoints in ${checkpoints}`);
  let start = base;
  try {
    start = withAdapterOf(base, flags, context);
    const learned = learnedOf(flags, typeof data === 'string' ? text : data);
    flags = await withRate(flags, start, learned, context);
    const { model, history } = await train(start, {
      ...learned,
      steps: flags.steps,
      optimizer: optimizerOf(flags),
      schedule: scheduleOf(flags),
      evaluateEvery: flags.evaluateEvery,
      checkpoint: {
        folder: checkpoints,
        overwrite: flags.overwrite ?? false,
        alsoWrite: (model, folder) => save(model, folder, flags, { weights: false }), // each checkpoint is a model folder
      },
      resume: flags.resume ?? false,
      signal: context.signal,
      callbacks: [...callbacksOf(flags), { onWarning: ({ code, message }) => context.note(`${code}: ${message}`) }],
      best: { restore: flags.earlyStop !== undefined },
    });
    const folder = path.join(flags.output, model.adapter ? 'adapter' : 'model');
    try {
      await save(model, folder, flags);
    } finally {
      if (model.adapter) disposeAdapter(model);
      else disposeModel(model);
    }
    const facts = {
      [model.adapter ? 'adapter' : 'model']: folder,
      steps: history.steps.length,
      loss: history.steps.at(-1)?.loss,
      validationLoss: (history.restored ?? history.evaluations.at(-1))?.loss,
      stopped: history.stopReason ?? history.stopped,
      bestStep: history.best?.step,
      rollbacks: history.rollbacks.length,
      learningRate: flags.learningRate,
      backend: backend.name,
    };
    context.out(
      flags.json
        ? JSON.stringify(facts)
        : `Saved ${folder}; validation loss ${facts.validationLoss?.toFixed(4) ?? 'not measured'}.`,
    );
  } catch (error) {
    if (isTesseraeError(error, 'E_ABORTED')) context.note(`To go on: the same command with --resume.`);
    throw error;
  } finally {
    if (start.adapter) disposeAdapter(start);
    disposeModel(base);
  }
}

/** Writes a model's folder or, where an adapter is learned, the adapter's. */
const save = (
  model: Model,
  folder: string,
  { from }: TrainFlags,
  options?: { readonly weights: boolean },
): Promise<void> =>
  model.adapter ? saveAdapter(model, folder, { base: from }) : savePretrained(model, folder, options);

/** The text's file, or the rows. */
function dataOf({ text, data, textColumn, unreadable, seed }: TrainFlags): string | RowSource<DataRow> {
  if (text !== undefined && data === undefined) return text;
  if (text !== undefined || data === undefined)
    throw problem(
      'E_OPTION',
      'train needs --text or --data, and not both',
      'give --text FILE, or --data FILE with rows',
    );
  if (unreadable !== 'throw' && unreadable !== 'skip')
    throw problem('E_OPTION', `--unreadable is '${unreadable}'`, 'use throw or skip');
  return readRows(data, { columns: [textColumn], unreadable }).shuffle({ buffer: 10_000, seed });
}

/** What a new tokenizer learns from: the first texts, twenty million characters at most. */
async function sampleOf(rows: RowSource<DataRow>, { from, textColumn }: TrainFlags): Promise<string> {
  const texts: string[] = [];
  let characters = 0;
  if (from !== undefined) return '';
  for await (const row of rows) {
    const text = row[textColumn];
    if (typeof text === 'string') texts.push(text); // others are named when they are trained on
    characters += texts.at(-1)?.length ?? 0;
    if (characters >= 20_000_000) break;
  }
  return texts.join('\n');
}

function scheduleOf({ schedule, learningRate, warmup, steps }: TrainFlags): Schedule {
  const warmupSteps = Math.min(warmup, Math.max(0, steps - 1));
  if (schedule === 'constant') return constant({ learningRate, warmupSteps });
  if (schedule === 'linear') return linearDecay({ learningRate, warmupSteps, totalSteps: steps });
  if (schedule === 'cosine')
    return cosine({ learningRate, warmupSteps, totalSteps: steps, minimumLearningRate: learningRate / 10 });
  throw problem('E_OPTION', `there is no schedule '${schedule}'`, 'use constant, linear or cosine');
}

const tokenizers: Readonly<Record<string, (text: string, vocabSize: number) => Tokenizer>> = {
  bpe: (text, vocabSize) => trainByteLevelBpe(text, { vocabSize }),
  character: (text) => trainCharacterTokenizer(text),
  wordpiece: (text, vocabSize) => trainWordPiece(text, { vocabSize }),
  unigram: (text, vocabSize) => trainUnigram(text, { vocabSize }),
};

function tokenizerOf({ tokenizer, vocab }: TrainFlags, text: string): Tokenizer {
  return Object.hasOwn(tokenizers, tokenizer) ? tokenizers[tokenizer](text, vocab) : loadTokenizer(tokenizer);
}

function freshModel(flags: TrainFlags, text: string): Model {
  const tokenizer = tokenizerOf(flags, text);
  const sizes = {
    vocabSize: tokenizer.vocabSize,
    hiddenSize: flags.width,
    numHiddenLayers: flags.layers,
    numAttentionHeads: flags.heads,
    maxPositionEmbeddings: flags.context,
    attentionDropout: flags.dropout,
  };
  const { seed } = flags;
  if (flags.form === 'gpt2')
    return createModel(
      gpt2,
      { ...sizes, embeddingDropout: flags.dropout, residualDropout: flags.dropout },
      { seed, tokenizer },
    ) as unknown as Model;
  if (flags.form === 'llama')
    return createModel(
      llama,
      { ...sizes, intermediateSize: Math.ceil((flags.width * 8) / 3 / 16) * 16 },
      { seed, tokenizer },
    ) as unknown as Model;
  throw problem('E_OPTION', `there is no form '${flags.form}'`, 'use gpt2 or llama');
}

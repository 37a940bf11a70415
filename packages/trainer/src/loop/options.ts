import type { Model, Recompute } from '@tesserae/core';
import type { BatchSampler, RowSource, RowSplits, TokenCache, TokenDataset, TokenSource } from '../data/index';
import { checkPackingOptions } from '../data/packing/packing-options';
import type { PackingOptions } from '../data/packing/packing-options';
import type { GradientMethod } from '../gradient-methods/index';
import type { Objective } from '../objectives/index';
import type { Optimizer } from '../optimizers/index';
import type { PrecisionOption } from '../precision/index';
import type { Regularizer } from '../regularizers/index';
import type { Schedule } from '../schedules/index';
import { checkOptions, oneOf, required, rules } from '../options';
import type { OptionRule } from '../options';
import { checkCallbacks } from './check-callbacks';
import type { Callbacks } from './check-callbacks';
import type { ScoreChoice } from '../callbacks/scores';

/** Where and when checkpoints are written. */
export interface CheckpointOptions {
  /** The folder that holds them, one folder each. */
  readonly folder: string;
  /** Steps from one to the next: a tenth of the run. The last step always gets one. */
  readonly every?: number;
  /** How many of the latest are kept: 2. */
  readonly keep?: number;
  /** Whether the one with the lowest validation loss is kept as well: true when there are evaluations. */
  readonly keepBest?: boolean;
  /** Start anew in a folder that holds checkpoints of an earlier run, which are removed: false. */
  readonly overwrite?: boolean;
  /**
   * Writes further files into each checkpoint folder before it is completed, for instance `config.json` and
   * `tokenizer.json`. The model belongs to the run: read it, do not keep or dispose it.
   */
  readonly alsoWrite?: (model: Model, folder: string) => Promise<void> | void;
}

/** How rows of like length are brought together. */
export interface BucketingOptions {
  /** Tokens that batches are padded to, ascending: powers of two from 16 on, and the longest. */
  readonly widths?: readonly number[];
  /** Batches whose rows are sorted by length together: 50. */
  readonly batches?: number;
}

/** Which evaluation is the best, and what follows from it. */
export interface BestOptions extends ScoreChoice {
  /** Give back the model of the best evaluation instead of the last: false. */
  readonly restore?: boolean;
}

/** Options of `train`. */
export interface TrainOptions {
  /**
   * What to learn from: text (the model needs a tokenizer), token ids, or what `createTokenDataset` or `tokenizeToCache`
   * made; with an `objective` its rows. Or a source of rows, or splits of them, that are read while training goes on.
   */
  readonly data:
    TokenSource | TokenDataset | TokenCache | readonly (string | object)[] | RowSource<unknown> | RowSplits<unknown>;
  /** Of a source of rows without an `objective`: the column that holds the text: `text`. */
  readonly textColumn?: string;
  /**
   * Rows of like length go together in a batch, which is padded to the next of a few widths, so that little is computed for
   * nothing: with an `objective`. Each width is a program of its own. The defaults: powers of two, 50 batches.
   */
  readonly bucketing?: boolean | BucketingOptions;
  /**
   * Several rows of the data share one of the batch, which is filled up to `contextLength`; none sees another, and each gives
   * what it gives alone. `batchSize` counts the filled rows. With a list or source of texts, or
   * an `objective` that looks at tokens. How many are looked at together: 1000.
   */
  readonly packing?: boolean | PackingOptions;
  /**
   * Where batches of a source of rows are made: in this thread, ahead of the step that needs them, or in a worker, which takes
   * files, the functions of this package with plain options, and `moduleRows` for everything else: `main`.
   */
  readonly prepareIn?: 'main' | 'worker';
  /** What to learn: to predict the next token when absent. */
  readonly objective?: Objective;
  /** Updates to make in all, those before a resumption included. */
  readonly steps: number;
  /** Rows of a batch: 8. */
  readonly batchSize?: number;
  /** Tokens of a row: the model's `maxPositionEmbeddings`. With an `objective` the most; longer rows are cut. */
  readonly contextLength?: number;
  /** How gradients become changes: `adamw({ beta2: 0.95, weightDecay: 0.1 })`. */
  readonly optimizer?: Optimizer;
  /** The rate of each step: the optimizer's own `learningRate`, or 3e-4, all the time. */
  readonly schedule?: Schedule;
  /** Largest norm of all gradients together; `null` for no limit: 1. */
  readonly gradientClipNorm?: number | null;
  /** Every element of a gradient is brought into ±this before its norm is taken; no limit when absent. */
  readonly gradientClipValue?: number;
  /**
   * In what numbers products are made: `float16` (with a scaled loss), `bfloat16`, `float8`, or `mixedPrecision({ … })`;
   * weights, optimizer, norms, softmax and loss are float32 in all: `float32`.
   */
  readonly precision?: PrecisionOption;
  /** Whole layers (`blocks`), or parts of each, that run again when gradients are made instead of being kept: none. */
  readonly recompute?: Recompute;
  /**
   * Whether the loss over a vocabulary is taken in chunks of rows, so that its logits never exist all at once, or how many
   * rows a chunk has: where they would be more than 2²⁵.
   */
  readonly chunkedLoss?: boolean | number;
  /**
   * Which parameters learn, by their paths (`layers.0.attention.query.weight`; inside a weight form `…weight#down`): as the
   * model says, or all, when absent. The others stay as they are and cost neither gradients nor optimizer state.
   */
  readonly trainable?: (path: string) => boolean;
  /** How gradients are made of losses: of their sum when absent. */
  readonly gradients?: GradientMethod;
  /** Penalties on the parameters, added to the loss. */
  readonly regularizers?: readonly Regularizer[];
  /** Batches whose gradients are averaged into one update: 1. */
  readonly accumulationSteps?: number;
  /** Rows that go through the model at a time, which bounds memory; divides the rows of a step: `batchSize`. */
  readonly microBatchSize?: number;
  /**
   * Which rows make up a step: at random positions (`windows`), every row once per epoch in random order (`epochs`),
   * or a function of the step, counted from 0, that gives batchSize · accumulationSteps rows: `windows`.
   */
  readonly order?: 'windows' | 'epochs' | BatchSampler;
  /** Share of the data, from its end, kept for validation when `data` is not a dataset already: 0.1, or 0 without evaluations. */
  readonly validationFraction?: number;
  /** Steps from one evaluation to the next; never when absent. */
  readonly evaluateEvery?: number;
  /** Batches of an evaluation, the same every time: 8. */
  readonly evaluationBatches?: number;
  /**
   * More scores of every evaluation, taken from the model as it stands: `async (model) => ({ accuracy: … })`. The model
   * belongs to the run: read it, do not keep or dispose it.
   */
  readonly metrics?: (
    model: Model,
    step: number,
  ) => Readonly<Record<string, number>> | Promise<Readonly<Record<string, number>>>;
  /** Which evaluation counts as the best, and whether its model is given back: the one with the lowest loss, no. */
  readonly best?: BestOptions;
  /** Where and when checkpoints are written; none when absent. */
  readonly checkpoint?: CheckpointOptions;
  /**
   * `true`: continue from the newest good checkpoint in `checkpoint.folder`, or begin if there is none. A path: continue
   * from that checkpoint folder. `false` (default): begin.
   */
  readonly resume?: boolean | string;
  /** Decides the order of the data and the randomness of dropout: 0. */
  readonly seed?: number;
  /** Stops the run between two steps: a checkpoint is written (where there is a folder), then E_ABORTED is thrown. */
  readonly signal?: AbortSignal;
  /** `return` instead of throwing gives what has been learned so far when the signal comes: `throw`. */
  readonly whenAborted?: 'throw' | 'return';
  /** Who is told what happens, and may end the run or take it back: one, or several in their order. */
  readonly callbacks?: Callbacks;
  /** Show progress in the terminal or notebook: true. */
  readonly progress?: boolean;
}

const optional = (expected: string, test: (value: unknown) => boolean): OptionRule => ({ expected, test });

const hasFunction = (value: unknown, name: string): boolean =>
  typeof value === 'object' && value !== null && typeof (value as Record<string, unknown>)[name] === 'function';

const isSignal = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && typeof (value as AbortSignal).aborted === 'boolean';

const isAscending = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((width, i) => rules.positiveInteger.test(width) && (i === 0 || width > value[i - 1]));

/** @throws E_UNKNOWN_OPTION, E_OPTION */
export function checkTrainOptions(options: TrainOptions): void {
  checkOptions<TrainOptions>('train', options, {
    data: required(optional('text, token ids or a dataset', (v) => typeof v === 'string' || typeof v === 'object')),
    textColumn: rules.string,
    prepareIn: optional(`'main' or 'worker'`, (v) => v === 'main' || v === 'worker'),
    bucketing: optional('true, false, or { widths?, batches? }', (v) => typeof v === 'boolean' || rules.object.test(v)),
    packing: optional('true, false, or { buffer? }', (v) => typeof v === 'boolean' || rules.object.test(v)),
    objective: optional('an objective such as sequenceToSequence()', (v) => hasFunction(v, 'prepare')),
    steps: required(rules.positiveInteger),
    batchSize: rules.positiveInteger,
    contextLength: rules.positiveInteger,
    optimizer: optional('an optimizer such as adamw()', (v) => hasFunction(v, 'update')),
    schedule: optional('a schedule such as cosine({ … })', rules.function.test),
    gradientClipNorm: optional('a number > 0, or null', (v) => v === null || rules.positive.test(v)),
    gradientClipValue: rules.positive,
    precision: optional(
      'float32, float16, bfloat16, float8 or mixedPrecision({ … })',
      (v) => typeof v === 'string' || (typeof v === 'object' && v !== null && 'products' in v),
    ),
    recompute: optional(
      "'blocks', or a list of 'attention' and 'feedForward'",
      (v) => v === 'blocks' || (Array.isArray(v) && v.every((one) => one === 'attention' || one === 'feedForward')),
    ),
    chunkedLoss: optional(
      'true, false or rows of a chunk',
      (v) => typeof v === 'boolean' || (Number.isInteger(v) && (v as number) >= 1),
    ),
    trainable: rules.function,
    gradients: optional('a gradient method such as pcgrad()', (v) => hasFunction(v, 'gradients')),
    regularizers: optional(
      'a list of regularizers such as l2sp(…)',
      (v) => Array.isArray(v) && v.every((one) => hasFunction(one, 'penalty')),
    ),
    accumulationSteps: rules.positiveInteger,
    microBatchSize: rules.positiveInteger,
    order: optional(`'windows', 'epochs' or a function of the step`, (v) =>
      typeof v === 'string' ? v === 'windows' || v === 'epochs' : typeof v === 'function',
    ),
    validationFraction: rules.fraction,
    evaluateEvery: rules.positiveInteger,
    evaluationBatches: rules.positiveInteger,
    checkpoint: rules.object,
    resume: optional('true, false or the path of a checkpoint', (v) => typeof v === 'boolean' || rules.string.test(v)),
    seed: rules.nonNegativeInteger,
    signal: optional('an AbortSignal', isSignal),
    whenAborted: optional(`'throw' or 'return'`, (v) => v === 'throw' || v === 'return'),
    metrics: rules.function,
    best: rules.object,
    callbacks: optional('a callback or a list of them', (v) => typeof v === 'object' && v !== null),
    progress: rules.boolean,
  });
  if (typeof options.bucketing === 'object') {
    checkOptions<BucketingOptions>('train', options.bucketing, {
      widths: optional('an ascending list of whole numbers ≥ 1', isAscending),
      batches: rules.positiveInteger,
    });
  }
  if (typeof options.packing === 'object') checkPackingOptions(options.packing);
  if (options.checkpoint !== undefined) {
    checkOptions<CheckpointOptions>('train', options.checkpoint, {
      folder: required(rules.string),
      every: rules.positiveInteger,
      keep: rules.positiveInteger,
      keepBest: rules.boolean,
      overwrite: rules.boolean,
      alsoWrite: rules.function,
    });
  }
  if (options.best !== undefined) {
    checkOptions<BestOptions>('train', options.best, {
      metric: rules.string,
      direction: oneOf('lowest', 'highest'),
      restore: rules.boolean,
    });
  }
  checkCallbacks(options.callbacks, options.evaluateEvery !== undefined);
}

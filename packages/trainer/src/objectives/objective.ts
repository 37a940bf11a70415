import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import type { ArchitectureConfig, Capture, ForwardOutput, Key, Model, Params } from '@tesserae/core';

/**
 * Rows of one step: `inputIds`, and more by the names of a forward pass (`attentionMask`, `tokenTypeIds`,
 * `decoderInputIds`) or of a loss (`labels`). Every list holds the same number of rows one after the other, each list with
 * a width of its own. Int32Array becomes int32, Float32Array float32.
 */
export interface ObjectiveBatch {
  readonly inputIds: Int32Array;
  /** Those of an Int32Array that are -100 do not count. A part of a step weighs as much as it has labels that count. */
  readonly labels?: Int32Array | Float32Array;
  readonly [name: string]: Int32Array | Float32Array | undefined;
}

/** What an objective is told when it takes up data. */
export interface ObjectiveSettings {
  /** Rows of a step. */
  readonly rows: number;
  /** Rows of an evaluation batch. */
  readonly evaluationRows: number;
  /** Evaluation batches at most; 0 when there are no evaluations. */
  readonly evaluationBatches: number;
  /** Tokens of a row at most; the model's positions when absent. */
  readonly contextLength: number | undefined;
  /** Share of the data, from its end, that is kept for evaluations. */
  readonly validationFraction: number;
  /** Decides the order of the data and what is random about a batch. */
  readonly seed: number;
  /** Widths that batches are padded to, ascending: each batch to the next that holds it; all to the longest row when absent. */
  readonly widths?: readonly number[] | undefined;
  /** Batches whose rows are brought together by length, so that little is padded; the order of the rows as it comes when absent. */
  readonly groupBatches?: number | undefined;
  /** How many sequences are packed together, where several share a row of the batch; each has one of its own when absent. */
  readonly packing?: { readonly buffer: number } | undefined;
  /** Stops what takes long, which then throws E_ABORTED. */
  readonly signal?: AbortSignal | undefined;
  /** Show how far what takes long has come: false. */
  readonly progress?: boolean | undefined;
}

/** A row of the data that can share a row of the batch. */
export interface PackableSequence {
  /** Tokens. */
  readonly length: number;
  /** Its lists, each of that length, made anew for every step from a key of its own. */
  make(key: Key): Readonly<Record<string, readonly number[]>>;
}

/** Data that an objective has taken up: the batch of any step, without having made those before it. */
export interface PreparedData {
  /** Steps count from 0. */
  readonly sampler: (step: number) => ObjectiveBatch;
  /** The same at every evaluation. */
  readonly evaluationBatches: readonly ObjectiveBatch[];
  /** Width of `inputIds`. */
  readonly contextLength: number;
  /** Two of the same hold the same data. */
  readonly fingerprint: string;
  /** Where rows are packed: the sequences to learn from, and a batch of packs of them, an empty pack being padding alone. */
  readonly packable?: {
    readonly sequences: readonly PackableSequence[];
    batchOf(packs: readonly (readonly PackableSequence[])[], key: Key): ObjectiveBatch;
  };
}

/** How a forward pass of an objective differs from the usual one. */
export interface RunOptions {
  /** Which of several dropout masks: another number below the objective's `draws` is another mask; 0 when absent. */
  readonly draw?: number;
  /** Collects or replaces values on the way. */
  readonly capture?: Capture;
}

/** The model as an objective may run it within a step. */
export interface ModelRun {
  /** Architecture, config and tokenizer; its `params` are not the present ones. */
  readonly model: Model<ArchitectureConfig>;
  /** The present parameters. */
  readonly params: Params;
  /** False in evaluations. */
  readonly training: boolean;
  /** Runs the model with the present parameters: the tensors by the names of a forward pass. */
  forward(inputs: Readonly<Record<string, Tensor>>, options?: RunOptions): ForwardOutput;
}

/** What every objective has. */
export interface ObjectiveBase {
  readonly name: string;
  /** What it was made from: reported, and compared with the one in a checkpoint. */
  readonly hyperparameters: Readonly<Record<string, number | string | boolean>>;
  /** Whether several rows of the data can share one of the batch, told apart by `sequenceIds`; or why they cannot. */
  readonly packs?: true | string;
  /** Checks the data against the model and makes batches of it; may look at the model's answers beforehand. */
  prepare(model: Model, data: unknown, settings: ObjectiveSettings): PreparedData | Promise<PreparedData>;
}

/** An objective that looks at one forward pass over the batch. */
export interface OutputObjective extends ObjectiveBase {
  /**
   * Set where the loss is the mean cross-entropy of a vocabulary's logits with `labels`, −100 left out: then the trainer can
   * take it in chunks, without the logits of all tokens at once.
   */
  readonly labelsTokens?: boolean;
  /** The mean loss over the labels that count; a part of the compiled step. Tensors by name, [B, …]. */
  loss(output: ForwardOutput, tensors: Readonly<Record<string, Tensor>>): Scalar;
}

/** An objective that runs the model itself: several times, on parts of the batch, or for several losses. */
export interface RunningObjective extends ObjectiveBase {
  /** The names of its losses. */
  readonly parts: readonly string[];
  /** How many different dropout masks a step needs: 1. */
  readonly draws?: number;
  /** The losses by name, whose sum is learned; a part of the compiled step. Tensors by name, [B, …]. */
  losses(run: ModelRun, tensors: Readonly<Record<string, Tensor>>): Readonly<Record<string, Scalar>>;
}

/** What a model learns from data: how rows are made, and what is wrong about an answer. */
export type Objective = OutputObjective | RunningObjective;

declare module '@tesserae/registry' {
  interface PluginKinds {
    /** Makes rows of data and says what is wrong about a model's answers. */
    objective: Objective;
  }
}

import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import type { ForwardOutput, Model } from '@tesserae/core';
import type { TokenBatch } from '../data/index';

/**
 * Rows of one step: `inputIds` and `labels`, and more by the names of a forward pass (`attentionMask`, `tokenTypeIds`,
 * `decoderInputIds`). Every list holds the same number of rows one after the other, each list with a width of its own.
 */
export interface ObjectiveBatch extends TokenBatch {
  readonly [name: string]: Int32Array;
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
}

/** What a model learns from data: how rows are made, and what is wrong about an answer. */
export interface Objective {
  readonly name: string;
  /** What it was made from: reported, and compared with the one in a checkpoint. */
  readonly hyperparameters: Readonly<Record<string, number | string | boolean>>;
  /** Checks the data against the model and makes batches of it. */
  prepare(model: Model, data: unknown, settings: ObjectiveSettings): PreparedData;
  /** The mean loss over the labels that count; a part of the compiled step. Tensors by name, int32 [B, …]. */
  loss(output: ForwardOutput, tensors: Readonly<Record<string, Tensor>>): Scalar;
}

declare module '@tesserae/registry' {
  interface PluginKinds {
    /** Makes rows of data and says what is wrong about a model's answers. */
    objective: Objective;
  }
}

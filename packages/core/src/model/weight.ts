import type * as tf from '@tensorflow/tfjs-core';
import type { Key } from './types';

/** The brand of a weight that is not a plain tensor (quantized, low-rank, masked, shared …). */
export const weightSymbol: unique symbol = /* @__PURE__ */ Symbol.for('tesserae.weight');

/** How a matrix lies in memory: `in-out` is `[inputFeatures, outputFeatures]` (GPT-2's Conv1D), `out-in` its transpose. */
export type LinearLayout = 'in-out' | 'out-in';

/** What `linear` needs beside its input and weight. */
export interface LinearOptions {
  /** [outputFeatures], added to every row. */
  readonly bias?: tf.Tensor | undefined;
  /** The weight's layout; `out-in` unless told otherwise. */
  readonly layout?: LinearLayout | undefined;
}

/**
 * What a weight form must be able to do; every function takes the weight itself first, so that one
 * operations object serves all weights of a kind and a weight stays plain data.
 */
export interface WeightOperations<W extends WeightForm = WeightForm> {
  /** The form's name, for instance `low-rank`. */
  readonly kind: string;
  /** The shape of the dense matrix that the weight stands for. */
  shape(weight: W): number[];
  /** x · W (+ bias), as `linear` defines it; x is [..., inputFeatures]. */
  linear(weight: W, x: tf.Tensor, options: LinearOptions): tf.Tensor;
  /** The rows of W that the int32 ids name; [...ids.shape, D]. */
  embed(weight: W, ids: tf.Tensor): tf.Tensor;
  /** W itself as a new dense tensor. */
  toDense(weight: W): tf.Tensor;
  /** The tensors inside, by name: what is counted, saved, donated, disposed. */
  tensors(weight: W): Record<string, tf.Tensor>;
  /** The same weight around other tensors of the same names. */
  withTensors(weight: W, tensors: Record<string, tf.Tensor>): W;
  /** The names of the tensors that can learn; none when absent. */
  trainable?(weight: W): readonly string[];
  /** Everything but the tensors that changes the computation, as text: part of the key of compiled programs. */
  structure(weight: W): string;
  /** Of a form that stands around another weight (an adapter): how it is taken off, put elsewhere and merged. */
  readonly around?: AroundOperations<W> | undefined;
  /** The same weight with its own dropout on, for one forward pass; absent where it drops nothing. */
  withDropout?(weight: W, key: Key | tf.Tensor, site: number): W;
}

/** What an adapter's form can do beside; `toDense` of such a form is the merged weight. */
export interface AroundOperations<W extends WeightForm = WeightForm> {
  /** The weight inside. */
  base(weight: W): Weight;
  /** The same adapter around another weight. */
  withBase(weight: W, base: Weight): W;
  /** The dense weight inside, when `merged` is the one that was merged: the opposite of `toDense`. */
  unmerge(weight: W, merged: tf.Tensor): tf.Tensor;
  /** What a bias [outputFeatures] becomes when the weight is merged; undefined, or absent, where it stays. */
  mergeBias?(weight: W, bias: tf.Tensor): tf.Tensor | undefined;
  /** The opposite of `mergeBias`. */
  unmergeBias?(weight: W, bias: tf.Tensor): tf.Tensor | undefined;
}

/** A weight that is not a plain tensor. */
export interface WeightForm {
  readonly [weightSymbol]: WeightOperations;
}

/** One leaf of a parameter tree: dense weights are simply tensors. */
export type Weight = tf.Tensor | WeightForm;

/**
 * Tells whether a value is a branded weight form (and not a plain tensor).
 *
 * @param value anything
 * @returns true when it carries `Symbol.for('tesserae.weight')`
 * @example
 * ```ts
 * import { isWeightForm } from '@tesserae/core';
 *
 * console.log(isWeightForm({ weight: 1 })); // → false
 * ```
 */
export function isWeightForm(value: unknown): value is WeightForm {
  return typeof value === 'object' && value !== null && weightSymbol in value;
}

/**
 * The operations of a weight form.
 *
 * @param weight a branded weight
 * @returns the operations object it carries
 * @example
 * ```ts
 * import { weightOperations, weightSymbol } from '@tesserae/core';
 *
 * const operations = { kind: 'nothing' } as never;
 * console.log(weightOperations({ [weightSymbol]: operations }).kind); // → nothing
 * ```
 */
export function weightOperations(weight: WeightForm): WeightOperations {
  return weight[weightSymbol] as WeightOperations;
}

import * as tf from '@tensorflow/tfjs-core';

/** What a kernel saved of itself, and its attributes, when its gradient is wanted. */
export interface Saved {
  /** The inputs and outputs that the gradient asked for, in that order. */
  readonly tensors: readonly tf.Tensor[];
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** Gradients by input name; only those that are asked for are computed. */
export type InputGradients = Record<string, () => tf.Tensor>;

/** Gives the gradients of one kernel's inputs from the gradient of its output(s). */
export type GradientFunction<G> = (gradient: G, saved: Saved) => InputGradients;

interface Keep {
  inputs?: string[];
  outputs?: boolean[];
  allInputs?: boolean;
}

/** The gradient of a kernel with one output. */
export function gradientOf(kernelName: string, keep: Keep, compute: GradientFunction<tf.Tensor>): tf.GradConfig {
  return config(kernelName, keep, (dy, saved) => compute(dy as tf.Tensor, saved));
}

/** The gradient of a kernel with several outputs. */
export function gradientOfMany(kernelName: string, keep: Keep, compute: GradientFunction<tf.Tensor[]>): tf.GradConfig {
  return config(kernelName, keep, (dy, saved) => compute(dy as tf.Tensor[], saved));
}

function config(kernelName: string, keep: Keep, compute: GradientFunction<tf.Tensor | tf.Tensor[]>): tf.GradConfig {
  return {
    kernelName,
    ...(keep.inputs === undefined ? {} : { inputsToSave: keep.inputs }),
    ...(keep.outputs === undefined ? {} : { outputsToSave: keep.outputs }),
    ...(keep.allInputs === undefined ? {} : { saveAllInputs: keep.allInputs }),
    gradFunc: (dy, saved, attrs) =>
      compute(dy, { tensors: saved, attributes: attrs as unknown as Record<string, unknown> }),
  };
}

/** Undoes broadcasting: sums over the dimensions along which a tensor of `shape` was repeated. */
export function sumTo(gradient: tf.Tensor, shape: number[]): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes(shape, gradient.shape);
  return tf.reshape(axes.length === 0 ? gradient : tf.sum(gradient, axes), shape);
}

/** Integers and booleans take part in gradients as float32. */
export function float(x: tf.Tensor): tf.Tensor {
  return x.dtype === 'float32' ? x : tf.cast(x, 'float32');
}

/** 1 where a condition holds, 0 elsewhere. */
export function indicator(condition: tf.Tensor): tf.Tensor {
  return tf.cast(condition, 'float32');
}

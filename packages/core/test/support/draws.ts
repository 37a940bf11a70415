import * as tf from '@tensorflow/tfjs-core';
import { createKey, normal } from '@tesserae/core';

/** Normally distributed tensors, each from the next seed: the same ones in every run. */
export function drawsFrom(first: number): (shape: number[], scale?: number) => tf.Tensor {
  let seed = first;
  return (shape, scale = 1) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return tf.tensor(normal(createKey(seed++), size, 0, scale), shape);
  };
}

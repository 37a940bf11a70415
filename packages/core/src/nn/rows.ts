import * as tf from '@tensorflow/tfjs-core';
import { rowCount, width } from './shapes';

/** x [..., D] as rows [N, D]; no copy. */
export function asRows(x: tf.Tensor): tf.Tensor2D {
  return tf.reshape(x, [rowCount(x), width(x)]);
}

/** Sum over the rows of x [N, D] → [D], as a product with ones: one pass at the speed of a matrix product. */
export function sumRows(x: tf.Tensor2D): tf.Tensor1D {
  return tf.reshape(tf.matMul(tf.ones([1, x.shape[0]]), x), [x.shape[1]]);
}

/** Mean of each row of x [N, D] → [N, 1]. */
export function meanOfRows(x: tf.Tensor2D): tf.Tensor2D {
  return tf.mean(x, 1, true);
}

/** Sums `x` over the dimensions in which it was broadcast from `shape`. */
export function sumToShape(x: tf.Tensor, shape: readonly number[]): tf.Tensor {
  const missing = x.shape.length - shape.length;
  const axes = x.shape
    .map((_, axis) => axis)
    .filter((axis) => axis < missing || (shape[axis - missing] === 1 && x.shape[axis] !== 1));
  return tf.reshape(axes.length === 0 ? x : tf.sum(x, axes, true), shape.slice());
}

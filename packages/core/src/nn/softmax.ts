import * as tf from '@tensorflow/tfjs-core';
import { defineOp } from './defineOp';
import { requireRank, requireTensor } from './shapes';

/** Softmax over the last dimension. See {@link softmax}. */
export const softmaxOp = /* @__PURE__ */ defineOp<{ x: tf.Tensor }, Record<string, never>>({
  name: 'TesseraeSoftmax',
  composite: ({ x }) => tf.softmax(x),
  gradient: {
    // dx = p (dy - Σ p dy)
    backward: ({ gradient, value }) => ({
      x: tf.mul(value, tf.sub(gradient, tf.sum(tf.mul(gradient, value), -1, true))),
    }),
  },
});

/** Log-softmax over the last dimension; named and fed as TensorFlow.js's own kernel, which not every backend has. See {@link logSoftmax}. */
export const logSoftmaxOp = /* @__PURE__ */ defineOp<{ logits: tf.Tensor }, { axis: number }>({
  name: 'LogSoftmax',
  composite: ({ logits }) => tf.logSoftmax(logits),
  gradient: {
    // dx = dy - exp(y) Σ dy
    backward: ({ gradient, value }) => ({
      logits: tf.sub(gradient, tf.mul(tf.exp(value), tf.sum(gradient, -1, true))),
    }),
  },
});

/**
 * Softmax over the last dimension: exp(xᵢ) / Σ exp(xⱼ), computed from x − max x.
 *
 * @param x [..., D]
 * @returns [..., D], each row summing to 1
 * @throws E_SHAPE on a scalar; E_DTYPE, E_TENSOR, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { softmax } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * console.log(Array.from(softmax(tf.tensor1d([0, 0])).dataSync())); // → [ 0.5, 0.5 ]
 * ```
 */
export function softmax(x: tf.Tensor): tf.Tensor {
  requireTensor('softmax', 'x', x);
  requireRank('softmax', 'x', x, 1, '..., classes');
  return softmaxOp({ x }, {});
}

/**
 * The logarithm of the softmax over the last dimension: xᵢ − log Σ exp(xⱼ).
 *
 * @param x [..., D]
 * @returns [..., D]
 * @throws E_SHAPE on a scalar; E_DTYPE, E_TENSOR, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { logSoftmax } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * console.log(logSoftmax(tf.tensor1d([0, 0])).dataSync()[0].toFixed(4)); // → -0.6931
 * ```
 */
export function logSoftmax(x: tf.Tensor): tf.Tensor {
  requireTensor('logSoftmax', 'x', x);
  requireRank('logSoftmax', 'x', x, 1, '..., classes');
  return logSoftmaxOp({ logits: x }, { axis: x.shape.length - 1 });
}

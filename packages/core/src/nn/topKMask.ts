import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import { defineOp } from './defineOp';
import { requireRank, requireTensor, width } from './shapes';

/** 1 at the k largest values of each row, 0 elsewhere; takes no gradient. See {@link topKMask}. */
export const topKMaskOp = /* @__PURE__ */ defineOp<{ x: tf.Tensor }, { k: number }>({
  name: 'TopKMask',
  composite({ x }, { k }) {
    const { indices } = tf.topk(x, k); // [..., k]
    return tf.sum(tf.cast(tf.oneHot(tf.cast(indices, 'int32'), width(x)), 'float32'), -2); // [..., E]
  },
  gradient: { backward: () => ({}) },
});

/**
 * Marks the k largest values over the last dimension. A constant to gradients.
 *
 * @param x [..., E]
 * @param k a whole number from 1 to E
 * @returns float32 [..., E]: k ones a row, zeros elsewhere; of equal values the first
 * @throws E_OPTION on a bad k; E_SHAPE on a scalar; E_DTYPE, E_TENSOR, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { topKMask } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * console.log(Array.from(topKMask(tf.tensor1d([3, 1, 2]), 2).dataSync())); // → [ 1, 0, 1 ]
 * ```
 */
export function topKMask(x: tf.Tensor, k: number): tf.Tensor {
  requireTensor('topKMask', 'x', x);
  requireRank('topKMask', 'x', x, 1, '..., experts');
  if (!Number.isInteger(k) || k < 1 || k > width(x)) {
    throw tesseraeError({
      package: 'core',
      code: 'E_OPTION',
      message: `topKMask: k is ${k} for ${width(x)} values a row`,
      fix: `use a whole number from 1 to ${width(x)}`,
    });
  }
  return topKMaskOp({ x }, { k });
}

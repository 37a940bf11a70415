import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { logSoftmax } from '@tesserae/core';

/**
 * How far two predictions lie apart: ½ (KL(p‖q) + KL(q‖p)), the mean over the rows that count.
 *
 * Since the logarithms of both are at hand, that is ½ Σ (p − q) (log p − log q).
 *
 * @param one logits [..., C]
 * @param other logits of the same shape
 * @param counted 1 for the rows that count, 0 for the others: as many as there are rows; all when absent
 * @returns a scalar in nats; 0 when no row counts
 *
 * Liang et al.: "R-Drop: Regularized Dropout for Neural Networks" (2021), equation 2.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { symmetricDivergence } from '@tesserae/trainer';
 * const logits = tf.tensor2d([[1, 2, 3]]);
 * console.log(symmetricDivergence(logits, logits).dataSync()[0]); // → 0
 * ```
 */
export function symmetricDivergence(one: Tensor, other: Tensor, counted?: Tensor): Scalar {
  return tf.tidy(() => {
    const classes = one.shape[one.shape.length - 1];
    const [p, q] = [one, other].map((logits) => logSoftmax(tf.reshape(logits, [-1, classes]))); // [N, C]
    const rows = tf.mul(tf.sum(tf.mul(tf.sub(tf.exp(p), tf.exp(q)), tf.sub(p, q)), 1), 0.5); // [N]
    if (counted === undefined) return tf.mean(rows) as Scalar;
    const weight = tf.cast(tf.reshape(counted, [-1]), 'float32'); // [N]
    return tf.div(tf.sum(tf.mul(rows, weight)), tf.maximum(tf.sum(weight), 1)) as Scalar;
  });
}

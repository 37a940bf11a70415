import * as tf from '@tensorflow/tfjs-core';
import { crossEntropy } from '../nn/crossEntropy';
import { requireShape, requireTensor, sizes } from '../nn/shapes';

/**
 * The loss of extractive question answering: the mean of two cross-entropies over positions, for where the answer starts
 * and where it ends. Positions beyond the text are ignored, as in transformers.
 *
 * @param logits [B, T, 2]: start and end
 * @param starts int32 [B]
 * @param ends int32 [B]
 * @returns a scalar
 * @throws E_SHAPE when the shapes do not fit; E_DTYPE, E_TENSOR, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { spanLoss } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const loss = spanLoss(tf.zeros([1, 4, 2]), tf.tensor1d([1], 'int32'), tf.tensor1d([2], 'int32'));
 * console.log(loss.dataSync()[0].toFixed(4)); // → 1.3863
 * ```
 */
export function spanLoss(logits: tf.Tensor, starts: tf.Tensor, ends: tf.Tensor): tf.Scalar {
  requireTensor('spanLoss', 'logits', logits);
  requireShape('spanLoss', 'logits', logits, [null, null, 2], 'batch, time, 2');
  const [batch, time] = sizes(logits);
  const side = (column: number, name: string, positions: tf.Tensor): tf.Tensor => {
    requireTensor('spanLoss', name, positions, ['int32']);
    requireShape('spanLoss', name, positions, [batch], 'batch');
    const scores = tf.reshape(tf.slice(logits, [0, 0, column], [batch, time, 1]), [batch, time]); // [B, T]
    const zero = tf.scalar(0, 'int32');
    const within = tf.minimum(tf.maximum(positions, zero), tf.scalar(time, 'int32'));
    return crossEntropy(scores, within, { ignoreIndex: time });
  };
  return tf.tidy(() => tf.mul(tf.add(side(0, 'starts', starts), side(1, 'ends', ends)), 0.5) as tf.Scalar);
}

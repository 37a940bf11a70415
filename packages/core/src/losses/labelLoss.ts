import * as tf from '@tensorflow/tfjs-core';
import { crossEntropy } from '../nn/crossEntropy';
import { requireShape, requireTensor, shapeError, sizes } from '../nn/shapes';

/**
 * The loss of a label for each position: masked language models, sequence-to-sequence models, token classification.
 * Cross-entropy in nats, averaged over the labels that are not −100; as transformers computes it for these heads.
 *
 * @param logits [B, T, classes]
 * @param labels int32 [B, T]; −100 is ignored
 * @returns a scalar
 * @throws E_SHAPE when the labels are not [B, T]; E_DTYPE, E_TENSOR, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { labelLoss } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const loss = labelLoss(tf.zeros([1, 2, 4]), tf.tensor2d([[3, -100]], [1, 2], 'int32'));
 * console.log(loss.dataSync()[0].toFixed(4)); // → 1.3863
 * ```
 */
export function labelLoss(logits: tf.Tensor, labels: tf.Tensor): tf.Scalar {
  requireTensor('labelLoss', 'logits', logits);
  requireTensor('labelLoss', 'labels', labels, ['int32']);
  requireShape('labelLoss', 'logits', logits, [null, null, null], 'batch, time, classes');
  const [batch, time, classes] = sizes(logits);
  requireShape('labelLoss', 'labels', labels, [batch, time], 'batch, time');
  return tf.tidy(
    () =>
      crossEntropy(tf.reshape(logits, [batch * time, classes]), tf.reshape(labels, [batch * time]), {
        ignoreIndex: -100,
      }) as tf.Scalar,
  );
}

/**
 * The loss of a causal language model: each position predicts the label after it.
 *
 * @param logits [B, T, V]
 * @param labels int32 [B, T], the ids themselves; −100 is ignored
 * @returns a scalar, as {@link labelLoss}
 * @throws E_SHAPE when the labels are not [B, T] or T is 1; E_DTYPE, E_TENSOR, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { causalLoss } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const loss = causalLoss(tf.zeros([1, 3, 4]), tf.tensor2d([[0, 1, 2]], [1, 3], 'int32'));
 * console.log(loss.dataSync()[0].toFixed(4)); // → 1.3863
 * ```
 */
export function causalLoss(logits: tf.Tensor, labels: tf.Tensor): tf.Scalar {
  requireTensor('causalLoss', 'logits', logits);
  requireTensor('causalLoss', 'labels', labels, ['int32']);
  requireShape('causalLoss', 'logits', logits, [null, null, null], 'batch, time, vocabulary');
  const [batch, time, vocabulary] = sizes(logits);
  requireShape('causalLoss', 'labels', labels, [batch, time], 'batch, time');
  if (time < 2) throw shapeError('causalLoss', 'one position has no next one to predict', 'give two or more positions');
  return tf.tidy(() => {
    const shifted = tf.slice(logits, [0, 0, 0], [batch, time - 1, vocabulary]); // [B, T - 1, V]
    return labelLoss(shifted, tf.slice(labels, [0, 1], [batch, time - 1]));
  });
}

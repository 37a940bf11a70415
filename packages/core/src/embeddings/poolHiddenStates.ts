import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import { requireShape, requireTensor, sizes } from '../nn/shapes';

/** How one vector is made of a text's many: their mean, the first one, or the largest value of each feature. */
export type TextPooling = 'mean' | 'cls' | 'max';

/** Low enough never to be the largest. */
const never = -1e9;

/**
 * One vector for each text: the mean of the hidden states of its real tokens, the first one, or their maximum, feature by
 * feature. Reimers and Gurevych: "Sentence-BERT" (2019), section 3; as sentence-transformers.
 *
 * @param hiddenStates [B, T, D]
 * @param attentionMask 1 (or true) for real tokens, [B, T]; all are when absent
 * @param pooling `mean` (when absent), `cls`, `max`
 * @returns [B, D]
 * @throws E_OPTION on an unknown pooling; E_SHAPE when the mask does not fit; E_DTYPE, E_TENSOR, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { poolHiddenStates } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const hidden = tf.tensor3d([[[1], [3], [100]]]);
 * const mask = tf.tensor2d([[1, 1, 0]], [1, 3], 'int32');
 * console.log(poolHiddenStates(hidden, mask, 'mean').dataSync()[0]); // → 2
 * ```
 */
export function poolHiddenStates(
  hiddenStates: tf.Tensor,
  attentionMask?: tf.Tensor,
  pooling: TextPooling = 'mean',
): tf.Tensor {
  requireTensor('poolHiddenStates', 'hiddenStates', hiddenStates);
  requireShape('poolHiddenStates', 'hiddenStates', hiddenStates, [null, null, null], 'batch, time, width');
  const [batch, time, width] = sizes(hiddenStates);
  if (attentionMask) {
    requireTensor('poolHiddenStates', 'attentionMask', attentionMask, ['int32', 'bool', 'float32']);
    requireShape('poolHiddenStates', 'attentionMask', attentionMask, [batch, time], 'batch, time');
  }
  return tf.tidy(() => {
    const mask = attentionMask ? tf.cast(attentionMask, 'float32') : tf.ones([batch, time]); // [B, T]
    if (pooling === 'cls') return tf.reshape(tf.slice(hiddenStates, [0, 0, 0], [batch, 1, width]), [batch, width]);
    if (pooling === 'max') {
      const hidden = tf.mul(tf.sub(1, tf.expandDims(mask, 2)), never); // [B, T, 1]
      return tf.max(tf.add(hiddenStates, hidden), 1); // [B, D]
    }
    if (pooling === 'mean') {
      const total = tf.reshape(tf.matMul(tf.reshape(mask, [batch, 1, time]), hiddenStates as tf.Tensor3D), [
        batch,
        width,
      ]); // [B, D]
      return tf.div(total, tf.maximum(tf.sum(mask, 1, true), 1e-9));
    }
    throw tesseraeError({
      package: 'core',
      code: 'E_OPTION',
      message: `poolHiddenStates: the pooling '${String(pooling)}' is unknown`,
      fix: "use 'mean', 'cls' or 'max'",
    });
  });
}

import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import { requireShape, requireTensor, sizes } from '../nn/shapes';
import type { Pooling } from './options';

/** Low enough never to be the largest. */
const never = -1e9;

/** What each token [B, T] counts, and what the sum is divided by [B, 1]; of a mask of zeros and ones [B, T]. */
const weightings: Partial<Record<Pooling, (mask: tf.Tensor) => { weights: tf.Tensor; total: tf.Tensor }>> = {
  mean: (mask) => ({ weights: mask, total: tf.sum(mask, 1, true) }),
  meanSqrtLength: (mask) => ({ weights: mask, total: tf.sqrt(tf.sum(mask, 1, true)) }),
  weightedMean(mask) {
    const weights = tf.mul(mask, tf.range(1, mask.shape[1]! + 1)); // [B, T]
    return { weights, total: tf.sum(weights, 1, true) };
  },
  cls: (mask) => place(mask, tf.zerosLike(tf.slice(mask, [0, 0], [-1, 1]))),
  last: (mask) => place(mask, tf.max(tf.mul(mask, tf.range(0, mask.shape[1]!)), 1, true)),
};

/** The one token at a place [B, 1]. */
const place = (mask: tf.Tensor, at: tf.Tensor): { weights: tf.Tensor; total: tf.Tensor } => ({
  weights: tf.cast(tf.equal(tf.range(0, mask.shape[1]!), at), 'float32'), // [B, T]
  total: tf.onesLike(at),
});

/**
 * One vector for each text: the mean of the hidden states of its real tokens, the first or last one, their maximum
 * feature by feature, or a weighted mean. Reimers and Gurevych: "Sentence-BERT" (2019), section 3; Muennighoff: "SGPT" (2022),
 * section 3, for `weightedMean`; as sentence-transformers.
 *
 * @param hiddenStates [B, T, D]
 * @param attentionMask 1 (or true) for real tokens, [B, T]; all are when absent
 * @param pooling `mean` (when absent), `cls`, `max`, `last`, `meanSqrtLength`, `weightedMean`
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
  pooling: Pooling = 'mean',
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
    if (pooling === 'max') {
      const hidden = tf.mul(tf.sub(1, tf.expandDims(mask, 2)), never); // [B, T, 1]
      return tf.max(tf.add(hiddenStates, hidden), 1); // [B, D]
    }
    const weighting = Object.hasOwn(weightings, pooling) ? weightings[pooling] : undefined;
    if (weighting) {
      const { weights, total } = weighting(mask);
      const sum = tf.matMul(tf.reshape(weights, [batch, 1, time]), hiddenStates as tf.Tensor3D); // [B, 1, D]
      return tf.div(tf.reshape(sum, [batch, width]), tf.maximum(total, 1e-9)); // [B, D]
    }
    throw tesseraeError({
      package: 'core',
      code: 'E_OPTION',
      message: `poolHiddenStates: the pooling '${String(pooling)}' is unknown`,
      fix: `use one of ${[...Object.keys(weightings), 'max'].join(', ')}`,
    });
  });
}

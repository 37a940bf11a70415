import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { crossEntropy } from '@tesserae/core';

/** Mean cross-entropy of logits [B, T, V] or [B, C] with labels [B, T] or [B, 1], over the labels other than -100. */
export function labelLoss(logits: Tensor, labels: Tensor): Scalar {
  const classes = logits.shape[logits.shape.length - 1];
  return crossEntropy(tf.reshape(logits, [-1, classes]), tf.reshape(labels, [-1])) as Scalar;
}

/** Log-probabilities of each row's labels together, those of -100 left out: logits [B, T, V], labels [B, T] → [B]. */
export function labelLogProbabilities(logits: Tensor, labels: Tensor): Tensor {
  const [batch, time, classes] = logits.shape as [number, number, number];
  const flat = [tf.reshape(logits, [batch * time, classes]), tf.reshape(labels, [batch * time])] as const;
  const surprise = crossEntropy(...flat, { reduction: 'none' }); // [B·T]
  return tf.neg(tf.sum(tf.reshape(surprise, [batch, time]), 1)); // [B]
}

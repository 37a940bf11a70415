import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { crossEntropy } from '@tesserae/core';

/** Mean cross-entropy of logits [B, T, V] or [B, C] with labels [B, T] or [B, 1], over the labels other than -100. */
export function labelLoss(logits: Tensor, labels: Tensor): Scalar {
  const classes = logits.shape[logits.shape.length - 1];
  return crossEntropy(tf.reshape(logits, [-1, classes]), tf.reshape(labels, [-1])) as Scalar;
}

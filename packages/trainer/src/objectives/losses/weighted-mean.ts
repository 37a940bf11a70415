import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';

/** Σ losses / Σ weights; 0 where nothing has weight. Both [N]. */
export const weightedMean = (losses: Tensor, weights: Tensor): Scalar =>
  tf.div(tf.sum(losses), tf.maximum(tf.sum(weights), 1e-12)) as Scalar;

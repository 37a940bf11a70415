import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';

/** log σ(x) = −log(1 + exp(−x)), smooth at 0. TensorFlow.js's own keeps a tensor that a tidy may have freed. */
export const logSigmoid = (x: Tensor): Tensor => tf.neg(tf.softplus(tf.neg(x)));

import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { meanSquaredError } from '@tesserae/core';
import { checkOptions, oneOf, rules } from '../../options';

/** Options of {@link regressionLoss}. */
export interface RegressionLossOptions {
  /** `squared`, `absolute` or `huber`: `squared`. */
  readonly loss?: 'squared' | 'absolute' | 'huber';
  /** Where the Huber loss goes from squared to absolute: 1. */
  readonly delta?: number;
}

/**
 * What is wrong about numbers: the mean of (x − y)², of |x − y|, or of Huber's loss ½ d² up to δ and δ (|d| − ½ δ) beyond.
 *
 * @param predictions any shape
 * @param targets of the same shape
 * @param options which loss
 * @returns a scalar
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be; E_SHAPE when the shapes differ
 *
 * Huber: "Robust Estimation of a Location Parameter" (1964); `mse_loss`, `l1_loss` and `huber_loss` of torch.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { regressionLoss } from '@tesserae/trainer';
 * const loss = regressionLoss(tf.tensor1d([0, 3]), tf.tensor1d([0, 0]), { loss: 'huber' });
 * console.log(loss.dataSync()[0]); // → 1.25
 * ```
 */
export function regressionLoss(predictions: Tensor, targets: Tensor, options: RegressionLossOptions = {}): Scalar {
  checkOptions<RegressionLossOptions>('regressionLoss', options, {
    loss: oneOf('squared', 'absolute', 'huber'),
    delta: rules.positive,
  });
  const { loss = 'squared', delta = 1 } = options;
  if (loss === 'squared') return meanSquaredError(predictions, targets) as Scalar;
  return tf.tidy(() => {
    const distance = tf.abs(tf.sub(predictions, targets));
    if (loss === 'absolute') return tf.mean(distance) as Scalar;
    const near = tf.minimum(distance, delta); // squared up to here, straight beyond
    return tf.mean(tf.add(tf.mul(tf.square(near), 0.5), tf.mul(tf.sub(distance, near), delta))) as Scalar;
  });
}

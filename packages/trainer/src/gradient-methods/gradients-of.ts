import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';

/** A loss and its gradients. */
export interface Differentiated {
  readonly loss: Scalar;
  /** One for each parameter; zeros for those that take no part. */
  readonly gradients: Tensor[];
}

/**
 * The gradients of a loss with respect to parameters: what `tf.variableGrads` is for variables.
 *
 * @param loss from parameters to the loss
 * @param parameters any shapes
 * @param weight [] what the loss is multiplied with before it is differentiated; 1 when absent
 * @returns the loss itself (not weighted) and one gradient for each parameter
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { registerGradients } from '@tesserae/core';
 * import { gradientsOf } from '@tesserae/trainer';
 * await tf.setBackend('cpu');
 * registerGradients(); // TensorFlow.js has none of its own in Node
 * const { gradients } = gradientsOf(([x]) => tf.sum(tf.square(x)), [tf.tensor1d([1, 2])]);
 * console.log(Array.from(gradients[0].dataSync())); // → [ 2, 4 ]
 * ```
 */
export function gradientsOf(
  loss: (parameters: readonly Tensor[]) => Scalar,
  parameters: readonly Tensor[],
  weight?: Scalar,
): Differentiated {
  const { value, grads } = tf.engine().gradients(() => loss(parameters), [...parameters], weight, true);
  return { loss: value as Scalar, gradients: grads.map((gradient, i) => gradient ?? tf.zerosLike(parameters[i])) };
}

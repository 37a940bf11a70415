import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import { requireTensor } from './shapes';

/**
 * Holds values between −cap and cap, smoothly: cap · tanh(x / cap).
 * Gemma Team: "Gemma 2" (2024), section 2, "logit soft-capping".
 *
 * @param x any shape
 * @param cap a positive number
 * @returns the same shape
 * @throws E_OPTION when the cap is not positive; E_DTYPE, E_TENSOR, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { softcap } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * console.log(softcap(tf.scalar(1000), 30).dataSync()[0]); // → 30
 * ```
 */
export function softcap(x: tf.Tensor, cap: number): tf.Tensor {
  requireTensor('softcap', 'x', x);
  if (!(cap > 0 && cap < Infinity)) {
    throw tesseraeError({
      package: 'core',
      code: 'E_OPTION',
      message: `softcap: the cap is ${cap}`,
      fix: 'use a positive number such as 30',
    });
  }
  return tf.tidy(() => tf.mul(tf.tanh(tf.mul(x, 1 / cap)), cap));
}

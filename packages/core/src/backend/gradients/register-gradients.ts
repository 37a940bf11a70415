import * as tf from '@tensorflow/tfjs-core';
import { binaryGradients } from './binary';
import { indexingGradients } from './indexing';
import { productGradients } from './product';
import { reductionGradients } from './reduction';
import { shapeGradients } from './shape';
import { unaryGradients } from './unary';

/**
 * Teaches TensorFlow.js the gradients of the kernels that transformers use, where it does not know them yet.
 *
 * In Node `@tensorflow/tfjs-core` comes without any gradient: those are in a folder of ES modules that only bundlers can
 * load, or in the whole `@tensorflow/tfjs` package. These are written anew, for backends that broadcast. Gradients that
 * are registered already stay. `selectBackend` calls this.
 *
 * @returns the names of the kernels that got their gradient now; none at the second call
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { registerGradients } from '@tesserae/core';
 *
 * registerGradients();
 * const slope = tf.grad((x) => tf.square(x));
 * console.log(slope(tf.scalar(3)).dataSync()[0]); // → 6
 * console.log(registerGradients().length); // → 0
 * ```
 */
export function registerGradients(): string[] {
  const all = [
    ...unaryGradients(),
    ...binaryGradients(),
    ...reductionGradients(),
    ...shapeGradients(),
    ...indexingGradients(),
    ...productGradients(),
  ];
  const unknown = all.filter(
    ({ kernelName }) => tf.getGradient(kernelName) === undefined || tf.getGradient(kernelName) === null,
  );
  for (const gradient of unknown) tf.registerGradient(gradient);
  return unknown.map(({ kernelName }) => kernelName);
}

import * as tf from '@tensorflow/tfjs-core';
import { defineOp } from './defineOp';
import { requireTensor } from './shapes';

const inverseRoot2 = Math.SQRT1_2;
const inverseRoot2Pi = 1 / Math.sqrt(2 * Math.PI);

/** Φ(x), the normal distribution function. */
function distribution(x: tf.Tensor): tf.Tensor {
  return tf.add(tf.mul(tf.erf(tf.mul(x, inverseRoot2)), 0.5), 0.5);
}

/** GELU by the error function. See {@link gelu}. */
export const geluOp = /* @__PURE__ */ defineOp<{ x: tf.Tensor }, Record<string, never>>({
  name: 'Gelu',
  composite: ({ x }) => tf.mul(x, distribution(x)),
  gradient: {
    // d/dx xΦ(x) = Φ(x) + x φ(x)
    backward({ gradient, inputs: { x } }) {
      const density = tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), inverseRoot2Pi);
      return { x: tf.mul(gradient, tf.add(distribution(x), tf.mul(x, density))) };
    },
  },
});

/**
 * The Gaussian error linear unit, exact: x · Φ(x) = x/2 · (1 + erf(x / √2)).
 * Hendrycks, Gimpel: "Gaussian Error Linear Units" (2016), section 2; as `torch.nn.functional.gelu`.
 *
 * @param x any shape
 * @returns the same shape
 * @throws E_DTYPE, E_TENSOR, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { gelu } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * console.log(gelu(tf.scalar(1)).dataSync()[0].toFixed(4)); // → 0.8413
 * ```
 */
export function gelu(x: tf.Tensor): tf.Tensor {
  requireTensor('gelu', 'x', x);
  return geluOp({ x }, {});
}

import * as tf from '@tensorflow/tfjs-core';
import { defineOp } from './defineOp';
import { requireTensor } from './shapes';

const slope = 2 * Math.sqrt(2 / Math.PI);
const cubic = 0.044715;

/** [value, sigmoid]: ½(1 + tanh u) is the sigmoid of 2u, which saves two passes. */
function activate({ x }: { x: tf.Tensor }): [tf.Tensor, tf.Tensor] {
  const argument = tf.mul(x, tf.add(tf.mul(tf.square(x), slope * cubic), slope));
  const gate = tf.sigmoid(argument);
  return [tf.mul(x, gate), gate];
}

/** GELU in its tanh form. See {@link geluTanh}. */
export const geluTanhOp = /* @__PURE__ */ defineOp<{ x: tf.Tensor }, Record<string, never>>({
  name: 'GeluTanh',
  composite: (inputs) => activate(inputs)[0],
  gradient: {
    forward: activate,
    // y = x s(v), v = x (a + b x²): dy/dx = s + y (1 - s) (a + 3b x²)
    backward({ gradient, inputs: { x }, value, extras: [gate] }) {
      const inner = tf.add(tf.mul(tf.square(x), 3 * slope * cubic), slope);
      const curve = tf.mul(tf.mul(value, tf.sub(1, gate)), inner);
      return { x: tf.mul(gradient, tf.add(gate, curve)) };
    },
  },
});

/**
 * The Gaussian error linear unit in its tanh form: x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³))).
 * Hendrycks, Gimpel (2016), section 2; `gelu_new` and `gelu_pytorch_tanh` in Hugging Face configs.
 *
 * @param x any shape
 * @returns the same shape
 * @throws E_DTYPE, E_TENSOR, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { geluTanh } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * console.log(geluTanh(tf.scalar(1)).dataSync()[0].toFixed(4)); // → 0.8412
 * ```
 */
export function geluTanh(x: tf.Tensor): tf.Tensor {
  requireTensor('geluTanh', 'x', x);
  return geluTanhOp({ x }, {});
}

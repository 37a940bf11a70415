import * as tf from '@tensorflow/tfjs-core';
import { defineOp } from './defineOp';
import { requireTensor } from './shapes';

const slope = 1.702;

function activate({ x }: { x: tf.Tensor }): [tf.Tensor, tf.Tensor] {
  const gate = tf.sigmoid(tf.mul(x, slope));
  return [tf.mul(x, gate), gate];
}

/** GELU by a sigmoid. See {@link quickGelu}. */
export const quickGeluOp = /* @__PURE__ */ defineOp<{ x: tf.Tensor }, Record<string, never>>({
  name: 'QuickGelu',
  composite: (inputs) => activate(inputs)[0],
  gradient: {
    forward: activate,
    // y = x s(ax): dy/dx = s + a y (1 - s)
    backward: ({ gradient, value, extras: [gate] }) => ({
      x: tf.mul(gradient, tf.add(gate, tf.mul(value, tf.sub(slope, tf.mul(gate, slope))))),
    }),
  },
});

/**
 * The Gaussian error linear unit by a sigmoid: x · σ(1.702 x).
 * Hendrycks, Gimpel (2016), section 2; `quick_gelu` in Hugging Face configs.
 *
 * @param x any shape
 * @returns the same shape
 * @throws E_DTYPE, E_TENSOR, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { quickGelu } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * console.log(quickGelu(tf.scalar(1)).dataSync()[0].toFixed(4)); // → 0.8458
 * ```
 */
export function quickGelu(x: tf.Tensor): tf.Tensor {
  requireTensor('quickGelu', 'x', x);
  return quickGeluOp({ x }, {});
}

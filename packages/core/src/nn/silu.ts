import * as tf from '@tensorflow/tfjs-core';
import { defineOp } from './defineOp';
import { requireTensor } from './shapes';

function activate({ x }: { x: tf.Tensor }): [tf.Tensor, tf.Tensor] {
  const gate = tf.sigmoid(x);
  return [tf.mul(x, gate), gate];
}

/** The sigmoid linear unit. See {@link silu}. */
export const siluOp = /* @__PURE__ */ defineOp<{ x: tf.Tensor }, Record<string, never>>({
  name: 'Silu',
  composite: (inputs) => activate(inputs)[0],
  gradient: {
    forward: activate,
    // y = x s(x): dy/dx = s + y (1 - s)
    backward: ({ gradient, value, extras: [gate] }) => ({
      x: tf.mul(gradient, tf.add(gate, tf.mul(value, tf.sub(1, gate)))),
    }),
  },
});

/**
 * The sigmoid linear unit (swish): x · σ(x).
 * Elfwing, Uchibe, Doya (2017); as `torch.nn.functional.silu`.
 *
 * @param x any shape
 * @returns the same shape
 * @throws E_DTYPE, E_TENSOR, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { silu } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * console.log(silu(tf.scalar(1)).dataSync()[0].toFixed(4)); // → 0.7311
 * ```
 */
export function silu(x: tf.Tensor): tf.Tensor {
  requireTensor('silu', 'x', x);
  return siluOp({ x }, {});
}

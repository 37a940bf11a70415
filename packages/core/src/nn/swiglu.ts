import * as tf from '@tensorflow/tfjs-core';
import { defineOp } from './defineOp';
import { requireShape, requireTensor } from './shapes';

/** The tensors of the op. */
export type SwigluInputs = { gate: tf.Tensor; up: tf.Tensor };

/** [value, silu(gate), σ(gate)]. */
function activate({ gate, up }: SwigluInputs): [tf.Tensor, tf.Tensor, tf.Tensor] {
  const sigmoid = tf.sigmoid(gate);
  const opened = tf.mul(gate, sigmoid);
  return [tf.mul(opened, up), opened, sigmoid];
}

/** A gate through silu, times a value. See {@link swiglu}. */
export const swigluOp = /* @__PURE__ */ defineOp<SwigluInputs, Record<string, never>>({
  name: 'SwiGlu',
  composite: (inputs) => activate(inputs)[0],
  gradient: {
    forward: activate,
    // y = a u with a = g s(g): da/dg = s + a (1 - s)
    backward({ gradient, inputs: { up }, extras: [opened, sigmoid] }) {
      const slope = tf.add(sigmoid, tf.mul(opened, tf.sub(1, sigmoid)));
      return { gate: tf.mul(tf.mul(gradient, up), slope), up: tf.mul(gradient, opened) };
    },
  },
});

/**
 * The gated unit of Llama's feed-forward layer: silu(gate) · up.
 * Shazeer: "GLU Variants Improve Transformer" (2020), equation 5 (SwiGLU).
 *
 * @param gate any shape
 * @param up the same shape
 * @returns the same shape
 * @throws E_SHAPE when the shapes differ; E_DTYPE, E_TENSOR, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { swiglu } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * console.log(swiglu(tf.scalar(1), tf.scalar(2)).dataSync()[0].toFixed(4)); // → 1.4621
 * ```
 */
export function swiglu(gate: tf.Tensor, up: tf.Tensor): tf.Tensor {
  requireTensor('swiglu', 'gate', gate);
  requireTensor('swiglu', 'up', up);
  requireShape('swiglu', 'up', up, gate.shape, 'the shape of gate');
  return swigluOp({ gate, up }, {});
}

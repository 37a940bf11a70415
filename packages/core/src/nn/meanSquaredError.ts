import * as tf from '@tensorflow/tfjs-core';
import { defineOp } from './defineOp';
import { requireShape, requireTensor } from './shapes';

/** Mean of squared differences. See {@link meanSquaredError}. */
export const meanSquaredErrorOp = /* @__PURE__ */ defineOp<{ x: tf.Tensor; targets: tf.Tensor }, Record<string, never>>(
  {
    name: 'MeanSquaredError',
    composite: ({ x, targets }) => tf.mean(tf.squaredDifference(x, targets)),
    gradient: {
      backward({ gradient, inputs: { x, targets } }) {
        const slope = tf.mul(tf.sub(x, targets), tf.mul(gradient, 2 / Math.max(1, x.size)));
        return { x: slope, targets: tf.neg(slope) };
      },
    },
  },
);

/**
 * Mean squared error: mean((x − target)²). As `torch.nn.functional.mse_loss`.
 *
 * @param x any shape
 * @param targets the same shape
 * @returns a scalar
 * @throws E_SHAPE when the shapes differ; E_DTYPE, E_TENSOR, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { meanSquaredError } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * console.log(meanSquaredError(tf.tensor1d([1, 3]), tf.tensor1d([1, 1])).dataSync()[0]); // → 2
 * ```
 */
export function meanSquaredError(x: tf.Tensor, targets: tf.Tensor): tf.Tensor {
  requireTensor('meanSquaredError', 'x', x);
  requireTensor('meanSquaredError', 'targets', targets);
  requireShape('meanSquaredError', 'targets', targets, x.shape, 'the shape of x');
  return meanSquaredErrorOp({ x, targets }, {});
}

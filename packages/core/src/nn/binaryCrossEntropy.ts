import * as tf from '@tensorflow/tfjs-core';
import { defineOp } from './defineOp';
import { requireShape, requireTensor } from './shapes';

/** Mean binary cross-entropy of logits. See {@link binaryCrossEntropy}. */
export const binaryCrossEntropyOp = /* @__PURE__ */ defineOp<
  { logits: tf.Tensor; targets: tf.Tensor },
  Record<string, never>
>({
  name: 'BinaryCrossEntropy',
  // max(x, 0) - x t + log(1 + exp(-|x|)) never overflows
  composite: ({ logits, targets }) =>
    tf.mean(tf.add(tf.sub(tf.relu(logits), tf.mul(logits, targets)), tf.log1p(tf.exp(tf.neg(tf.abs(logits)))))),
  gradient: {
    backward({ gradient, inputs: { logits, targets } }) {
      const scale = tf.div(gradient, Math.max(1, logits.size));
      return { logits: tf.mul(tf.sub(tf.sigmoid(logits), targets), scale), targets: tf.mul(logits, tf.neg(scale)) };
    },
  },
});

/**
 * Mean binary cross-entropy in nats of independent yes-or-no logits: −t log σ(x) − (1 − t) log(1 − σ(x)).
 * As `torch.nn.functional.binary_cross_entropy_with_logits`.
 *
 * @param logits any shape
 * @param targets the same shape, from 0 to 1
 * @returns a scalar
 * @throws E_SHAPE when the shapes differ; E_DTYPE, E_TENSOR, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { binaryCrossEntropy } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * console.log(binaryCrossEntropy(tf.zeros([2]), tf.tensor1d([0, 1])).dataSync()[0].toFixed(4)); // → 0.6931
 * ```
 */
export function binaryCrossEntropy(logits: tf.Tensor, targets: tf.Tensor): tf.Tensor {
  requireTensor('binaryCrossEntropy', 'logits', logits);
  requireTensor('binaryCrossEntropy', 'targets', targets);
  requireShape('binaryCrossEntropy', 'targets', targets, logits.shape, 'the shape of logits');
  return binaryCrossEntropyOp({ logits, targets }, {});
}

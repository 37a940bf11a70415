import * as tf from '@tensorflow/tfjs-core';
import { crossEntropy } from '@tesserae/core';
import type { ForwardInputs, Model, Params } from '@tesserae/core';

/** Hugging Face's causal loss: each position predicts the label after it; −100 is ignored. */
export function causalLoss(logits: tf.Tensor, labels: tf.Tensor): tf.Scalar {
  const [batch, time, vocabulary] = logits.shape as [number, number, number];
  const shifted = tf.slice(logits, [0, 0, 0], [batch, time - 1, vocabulary]); // [B, T - 1, V]
  const next = tf.slice(labels, [0, 1], [batch, time - 1]); // [B, T - 1]
  const rows = tf.reshape(shifted, [batch * (time - 1), vocabulary]); // [N, V]
  return crossEntropy(rows, tf.reshape(next, [batch * (time - 1)]), { ignoreIndex: -100 }) as tf.Scalar;
}

/** The loss and its gradient for each of the tensors, which `build` puts into a parameter tree. */
export function lossAndGradients(
  model: Model,
  build: (tensors: readonly tf.Tensor[]) => Params,
  tensors: readonly tf.Tensor[],
  inputs: ForwardInputs,
  labels: tf.Tensor,
): { loss: tf.Tensor; grads: tf.Tensor[] } {
  const { architecture, config } = model;
  const loss = (...leaves: tf.Tensor[]): tf.Scalar => {
    const { logits, auxiliaryLoss } = architecture.forward(build(leaves), inputs, { config });
    const own = causalLoss(logits, labels);
    return auxiliaryLoss ? tf.add(own, auxiliaryLoss) : own;
  };
  const { value, grads } = tf.valueAndGrads(loss)([...tensors]);
  return { loss: value, grads };
}

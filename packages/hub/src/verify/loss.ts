import * as tf from '@tensorflow/tfjs-core';
import { headLoss } from '@tesserae/core';
import type { ForwardInputs, HeadTargets, Model, Params } from '@tesserae/core';

/** The loss and its gradient for each of the tensors, which `build` puts into a parameter tree. */
export function lossAndGradients(
  { architecture, config }: Model,
  build: (tensors: readonly tf.Tensor[]) => Params,
  tensors: readonly tf.Tensor[],
  inputs: ForwardInputs,
  targets: HeadTargets,
): { loss: tf.Tensor; grads: tf.Tensor[] } {
  const loss = (...leaves: tf.Tensor[]): tf.Scalar =>
    headLoss(config, architecture.forward(build(leaves), inputs, { config }), targets);
  const { value, grads } = tf.valueAndGrads(loss)([...tensors]);
  return { loss: value, grads };
}

import type * as tf from '@tensorflow/tfjs-core';
import type { Weight } from '../../model/weight';
import { linear } from '../../nn/linear';

/** A matrix with its bias. */
export interface Projection {
  /** [out, in], as most checkpoints store it. */
  readonly weight: Weight;
  /** [out]. */
  readonly bias?: tf.Tensor | undefined;
}

/** x · Wᵀ + b: [..., in] → [..., out]. */
export function project(x: tf.Tensor, { weight, bias }: Projection): tf.Tensor {
  return linear(x, weight, { bias, layout: 'out-in' });
}

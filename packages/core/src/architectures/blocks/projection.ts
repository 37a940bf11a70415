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

/**
 * Applies a projection: x · Wᵀ + b.
 *
 * @param x [..., in]
 * @param projection weight [out, in] and perhaps a bias [out]
 * @returns [..., out]
 * @throws E_SHAPE when the features do not agree
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { project } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const y = project(tf.tensor2d([[1, 2]]), { weight: tf.tensor2d([[1, 1]]), bias: tf.tensor1d([10]) });
 * console.log(Array.from(y.dataSync())); // → [ 13 ]
 * ```
 */
export function project(x: tf.Tensor, { weight, bias }: Projection): tf.Tensor {
  return linear(x, weight, { bias, layout: 'out-in' });
}

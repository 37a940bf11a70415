import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';

/**
 * The norm of all gradients taken as one vector.
 *
 * √(Σ g²) over every element of every tensor, or max |g| for the maximum norm.
 *
 * @param gradients tensors of any shape
 * @param normType 2 (Euclidean) or Infinity (largest element)
 * @returns [] the norm
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * import { globalNorm } from '@tesserae/trainer';
 * console.log(globalNorm([tf.tensor1d([3]), tf.tensor2d([[0, 4]])]).dataSync()[0]); // → 5
 * ```
 */
export function globalNorm(gradients: readonly Tensor[], normType: 2 | typeof Infinity = 2): Scalar {
  checkNorm(gradients, normType);
  const parts = gradients.map((g) => (normType === 2 ? tf.sum(tf.square(g)) : tf.max(tf.abs(g)))); // [] each
  const all = tf.stack(parts); // [number of gradients]
  return normType === 2 ? tf.sqrt(tf.sum<Scalar>(all)) : tf.max<Scalar>(all); // []
}

/**
 * Scales all gradients together so that their common norm is at most a limit; directions stay as they are.
 *
 * g ← g · min(1, maxNorm / (‖g‖ + 1e-6))
 *
 * @param gradients tensors of any shape
 * @param maxNorm the largest norm that passes unchanged
 * @param normType 2 (Euclidean) or Infinity (largest element)
 * @returns the scaled gradients, and [] the norm before scaling
 * @throws E_OPTION when the limit is not positive, or the kind of norm is unknown
 *
 * Reference: Pascanu et al., "On the difficulty of training recurrent neural networks"; equals
 * `torch.nn.utils.clip_grad_norm_`.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * import { clipByGlobalNorm } from '@tesserae/trainer';
 * const { gradients, norm } = clipByGlobalNorm([tf.tensor1d([3]), tf.tensor1d([4])], 1);
 * console.log(norm.dataSync()[0], gradients[0].dataSync()[0].toFixed(3)); // → 5 0.600
 * ```
 */
export function clipByGlobalNorm(
  gradients: readonly Tensor[],
  maxNorm: number,
  normType: 2 | typeof Infinity = 2,
): { gradients: Tensor[]; norm: Scalar } {
  if (!(typeof maxNorm === 'number' && maxNorm > 0)) {
    throw tesseraeError({
      package: 'trainer',
      code: 'E_OPTION',
      message: `the largest gradient norm must be a number > 0, found ${String(maxNorm)}`,
      fix: 'give a positive limit; 1 is usual',
    });
  }
  const norm = globalNorm(gradients, normType); // []
  return { gradients: scaleGradients(gradients, clipScale(norm, maxNorm)), norm };
}

/** The factor that brings gradients of this norm down to `maxNorm`; 1 when they are below it already. */
export function clipScale(norm: Scalar, maxNorm: number): Scalar {
  return tf.minimum(tf.div(maxNorm, tf.add(norm, 1e-6)), 1);
}

/** Gradients with every element in ±limit; the same ones when there is no limit. */
export function clipValues(gradients: readonly Tensor[], limit: number | undefined): Tensor[] {
  return limit === undefined ? gradients.slice() : gradients.map((gradient) => tf.clipByValue(gradient, -limit, limit));
}

/** Gradients times a factor; the same ones when there is none. */
export function scaleGradients(gradients: readonly Tensor[], scale: Scalar | undefined): Tensor[] {
  return scale ? gradients.map((gradient) => tf.mul(gradient, scale)) : gradients.slice();
}

function checkNorm(gradients: readonly Tensor[], normType: number): void {
  if (gradients.length > 0 && (normType === 2 || normType === Infinity)) return;
  throw tesseraeError({
    package: 'trainer',
    code: 'E_OPTION',
    message:
      gradients.length === 0 ? 'there are no gradients' : `the kind of norm must be 2 or Infinity, found ${normType}`,
    fix: gradients.length === 0 ? 'give at least one gradient' : 'use 2 or Infinity',
  });
}

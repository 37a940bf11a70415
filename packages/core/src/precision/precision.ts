import { tesseraeError } from '@tesserae/registry';
import type { RoundedType } from './numberTypes';

/** In which type products are computed. */
export type Precision = 'float32' | 'float16' | 'bfloat16' | 'float8';

/** What products do to their numbers. */
export interface ProductPrecision {
  /** The type of inputs and outputs. */
  readonly type: RoundedType;
  /** Whether matrix products take E4M3 forward and E5M2 backward instead, each tensor scaled to use their range. */
  readonly float8: boolean;
}

const precisions: Readonly<Record<Precision, ProductPrecision | undefined>> = {
  float32: undefined,
  float16: { type: 'float16', float8: false },
  bfloat16: { type: 'bfloat16', float8: false },
  float8: { type: 'bfloat16', float8: true },
};

let active: ProductPrecision | undefined;

/** Runs a function in a precision that another place found active. */
export function within<R>(precision: ProductPrecision | undefined, run: () => R): R {
  const before = active;
  active = precision;
  try {
    return run();
  } finally {
    active = before;
  }
}

/** The precision that products are to have now; undefined for float32. */
export function activePrecision(): ProductPrecision | undefined {
  return active;
}

/** The output layer: in float8 too its numbers are bfloat16, as is usual. */
export function inOutputLayer<R>(run: () => R): R {
  return active?.float8 === true ? within({ ...active, float8: false }, run) : run();
}

/**
 * Runs a function in which the products of `linear` and `attention` have the numbers of a smaller type, forward and
 * backward. Everything else stays float32: norms, softmax, losses, activations, sums, and the weights themselves, which
 * are rounded where a product reads them.
 *
 * - `float16`, `bfloat16`: inputs and outputs of products are rounded, the sums inside are float32, as in PyTorch's autocast.
 * - `float8`: the matrix products of `linear` take E4M3, their gradients E5M2, each tensor scaled by a power of two to use
 *   the type's range; outputs, attention and the output layer are bfloat16.
 *
 * The rounding is exact on every backend, so a training shows there what it would do on a device that has the type.
 * The function must be synchronous; its gradients may be taken outside.
 * Micikevicius et al.: "Mixed Precision Training" (2018), section 3; "FP8 Formats for Deep Learning" (2022).
 *
 * @param precision `float32`, `float16`, `bfloat16` or `float8`
 * @param run the function, such as a forward pass
 * @returns what the function returns
 * @throws E_OPTION on an unknown precision
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { linear, withPrecision } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const y = withPrecision('bfloat16', () => linear(tf.tensor2d([[1.001, 1]]), tf.ones([1, 2])));
 * console.log(y.dataSync()[0]); // → 2
 * ```
 */
export function withPrecision<R>(precision: Precision, run: () => R): R {
  if (!Object.hasOwn(precisions, precision)) {
    throw tesseraeError({
      package: 'core',
      code: 'E_OPTION',
      message: `the precision '${String(precision)}' is unknown`,
      fix: `use one of ${Object.keys(precisions).join(', ')}`,
    });
  }
  return within(precisions[precision], run);
}

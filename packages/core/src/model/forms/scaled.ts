/**
 * A weight whose inputs or outputs are multiplied by a learned vector.
 *
 * Liu et al.: "Few-Shot Parameter-Efficient Fine-Tuning is Better and Cheaper than In-Context Learning" (2022), section 3.3:
 * (IA)³ scales keys, values and what the feed-forward layer holds inside. As PEFT computes it: outputs with their bias.
 */
import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import { linear } from '../../nn/linear';
import { requireShape, requireTensor } from '../../nn/shapes';
import { isWeightForm, weightOperations, weightSymbol } from '../weight';
import type { LinearLayout, Weight, WeightForm, WeightOperations } from '../weight';
import { denseOf, innerStructure, innerTensors, weightShape, withInnerTensors } from './inner';

/** What a scaled weight is made of. */
export interface ScaledOptions {
  /** l [in] or [out]. */
  readonly scale: tf.Tensor;
  /** Whether the inputs are scaled or the outputs, these with the bias. */
  readonly side: 'input' | 'output';
  /** How the base lies; `out-in` when absent. */
  readonly layout?: LinearLayout | undefined;
}

/** A weight with a factor for each input or output; see {@link scaled}. */
export interface Scaled extends WeightForm {
  readonly base: Weight;
  readonly scale: tf.Tensor; // [in] or [out]
  readonly side: 'input' | 'output';
  readonly layout: LinearLayout;
}

/** The factors as a row or column to multiply the base with. */
function along({ scale, side, layout }: Scaled): tf.Tensor {
  const column = (side === 'output') === (layout === 'out-in');
  return tf.reshape(scale, column ? [-1, 1] : [1, -1]);
}

/** The operations of scaled weights; see {@link scaled}. */
export const scaledOperations: WeightOperations<Scaled> = {
  kind: 'scaled',
  shape: ({ base }) => weightShape(base),
  linear: ({ base, scale, side }, x, options) =>
    tf.tidy(() =>
      side === 'input' ? linear(tf.mul(x, scale), base, options) : tf.mul(linear(x, base, options), scale),
    ),
  embed: () => {
    throw tesseraeError({
      package: 'core',
      code: 'E_WEIGHT_FORM',
      message: 'rows of a scaled weight are looked up, and it has factors for products alone',
      fix: 'scale matrices that are multiplied with, not tables of embeddings',
    });
  },
  toDense: (weight) => tf.tidy(() => tf.mul(denseOf(weight.base), along(weight))),
  tensors: ({ base, scale }) => ({ ...innerTensors(base), scale }),
  withTensors: (weight, tensors) => ({
    ...weight,
    base: withInnerTensors(weight.base, tensors),
    scale: tensors.scale,
  }),
  structure: ({ base, side, layout }) => `${side},${layout},${innerStructure(base)}`,
  trainable: () => ['scale'],
  around: {
    base: ({ base }) => base,
    withBase: (weight, base) => ({ ...weight, base }),
    unmerge: (weight, merged) => tf.tidy(() => tf.div(merged, along(weight))),
    mergeBias: ({ side, scale }, bias) => (side === 'output' ? tf.mul(bias, scale) : undefined),
    unmergeBias: ({ side, scale }, bias) => (side === 'output' ? tf.div(bias, scale) : undefined),
  },
  withDropout: (weight, key, site) => {
    const { base } = weight;
    const inner = isWeightForm(base) ? weightOperations(base).withDropout?.(base, key, site + 1) : undefined;
    return inner ? { ...weight, base: inner } : weight;
  },
};

/**
 * Gives a weight a learned factor for each input, y = (x ∘ l) · W + b, or for each output, y = (x · W + b) ∘ l, as (IA)³
 * does. Only l learns by default.
 *
 * @param base the weight [out, in], its transpose (`in-out`), or a form
 * @param options l, which side it scales, layout
 * @returns the weight; it holds the given tensors, it does not copy them
 * @throws E_SHAPE when l does not fit the base; E_TENSOR, E_DTYPE, E_DISPOSED on bad tensors
 *
 * Liu et al.: "Few-Shot Parameter-Efficient Fine-Tuning" (2022), section 3.3; equals PEFT's `ia3.Linear`.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { linear, scaled } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const weight = scaled(tf.tensor2d([[1, 0], [0, 1]]), { scale: tf.tensor1d([2, 3]), side: 'output' });
 * const bias = tf.tensor1d([1, 1]);
 * console.log(Array.from(linear(tf.tensor2d([[1, 1]]), weight, { bias }).dataSync())); // → [ 4, 6 ]
 * ```
 */
export function scaled(base: Weight, { scale, side, layout = 'out-in' }: ScaledOptions): Scaled {
  requireTensor('scaled', 'scale', scale);
  const [outputs, inputs] = layout === 'out-in' ? weightShape(base) : weightShape(base).slice().reverse();
  const size = side === 'input' ? inputs : outputs;
  requireShape('scaled', 'scale', scale, [size], side === 'input' ? 'inputFeatures' : 'outputFeatures');
  return { [weightSymbol]: scaledOperations as never, base, scale, side, layout };
}

/**
 * Whether a weight is a scaled one.
 *
 * @param weight any weight
 * @returns true for what {@link scaled} made
 * @example
 * ```ts
 * import { isScaled } from '@tesserae/core';
 * console.log(isScaled(undefined)); // → false
 * ```
 */
export function isScaled(weight: Weight | undefined): weight is Scaled {
  return isWeightForm(weight) && weightOperations(weight).kind === scaledOperations.kind;
}

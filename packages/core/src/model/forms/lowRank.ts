/**
 * A weight with a low-rank sum beside it.
 *
 * Hu et al.: "LoRA: Low-Rank Adaptation of Large Language Models" (2021), section 4.1: W + s·B·A, with A [r, in] and
 * B [out, r]. Liu et al.: "DoRA: Weight-Decomposed Low-Rank Adaptation" (2024), section 4: m · (W + s·B·A) / ‖W + s·B·A‖,
 * one length m for each output; its section 4.3 takes the norm as a constant in the gradient. As PEFT computes both.
 */
import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import { dropout } from '../../nn/dropout';
import { embed } from '../../nn/embed';
import { linear } from '../../nn/linear';
import { requireShape, requireTensor } from '../../nn/shapes';
import type { Key } from '../types';
import { isWeightForm, weightOperations, weightSymbol } from '../weight';
import type { LinearLayout, LinearOptions, Weight, WeightForm, WeightOperations } from '../weight';
import { denseOf, innerStructure, innerTensors, weightShape, withInnerTensors } from './inner';

/** What a low-rank weight is made of. */
export interface LowRankOptions {
  /** A [r, in]: what goes down to the rank. */
  readonly a: tf.Tensor;
  /** B [out, r]: what comes up from it. */
  readonly b: tf.Tensor;
  /** s: alpha / r, or alpha / √r where the rank shall not change the size of steps (rsLoRA). */
  readonly scale: number;
  /** How the base lies; a table of embeddings is `in-out`, a row for each id. `out-in` when absent. */
  readonly layout?: LinearLayout | undefined;
  /** Whether the base is a table whose rows are looked up: then a product with it (a tied output) takes the base alone. */
  readonly table?: boolean | undefined;
  /** m [out]: a length for each output (DoRA). */
  readonly magnitude?: tf.Tensor | undefined;
  /** Share of the input that is dropped before A while training: 0. */
  readonly dropout?: number | undefined;
}

/** A weight W + s·B·A; see {@link lowRank}. */
export interface LowRank extends WeightForm {
  readonly base: Weight;
  readonly a: tf.Tensor; // [r, in]
  readonly b: tf.Tensor; // [out, r]
  readonly magnitude: tf.Tensor | undefined; // [out]
  readonly scale: number;
  readonly layout: LinearLayout;
  readonly table: boolean;
  readonly dropout: number;
  /** In a forward pass that trains: where the randomness of its dropout comes from. */
  readonly drop?: { readonly key: Key | tf.Tensor; readonly site: number } | undefined;
}

const outAxis = ({ layout }: LowRank): number => (layout === 'out-in' ? 0 : 1);

/** s·B·A, as the base lies. */
function delta({ a, b, scale, layout }: LowRank): tf.Tensor {
  const product =
    layout === 'out-in'
      ? tf.matMul(b as tf.Tensor2D, a as tf.Tensor2D) // [out, in]
      : tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D, true, true); // [in, out]
  return tf.mul(product, scale);
}

/** ‖W + s·B·A‖ of each output, [out], taken as a constant by gradients. */
function outputNorms(weight: LowRank): tf.Tensor {
  const names = ['base', 'a', 'b'] as const;
  const constant = tf.customGrad((...args: unknown[]) => {
    const [base, a, b] = args as tf.Tensor[];
    const sum = tf.add(base, delta({ ...weight, a, b })); // as the base
    const value = tf.sqrt(tf.sum(tf.square(sum), 1 - outAxis(weight))); // [out]
    return { value, gradFunc: () => names.map((_, i) => tf.zerosLike(args[i] as tf.Tensor)) };
  });
  return constant(denseOf(weight.base), weight.a, weight.b);
}

/** m / ‖W + s·B·A‖ of each output, [out]. */
const outputFactors = (weight: LowRank): tf.Tensor => tf.div(weight.magnitude!, outputNorms(weight));

/** A factor for each output, [out] as a row or column to multiply the base with. */
const along = (weight: LowRank, factors: tf.Tensor): tf.Tensor =>
  outAxis(weight) === 0 ? tf.reshape(factors, [-1, 1]) : tf.reshape(factors, [1, -1]);

/** s · B A x: [..., in] → [..., out]. */
function lowRankPart({ a, b, scale }: LowRank, x: tf.Tensor): tf.Tensor {
  return tf.mul(linear(linear(x, a), b), scale);
}

function applyLinear(weight: LowRank, x: tf.Tensor, { bias, layout = 'out-in' }: LinearOptions): tf.Tensor {
  if (weight.table) return linear(x, weight.base, { bias, layout });
  if (layout !== weight.layout) {
    throw tesseraeError({
      package: 'core',
      code: 'E_WEIGHT_FORM',
      message: `a low-rank weight that lies ${weight.layout} is used as ${layout}`,
      fix: "give the layout of the architecture's spec when it is made",
    });
  }
  const { base, drop, dropout: rate } = weight;
  return tf.tidy(() => {
    const dropped = drop && rate > 0 ? dropout(x, { rate, ...drop }) : x;
    const low = lowRankPart(weight, dropped); // [..., out]
    if (!weight.magnitude) return tf.add(linear(x, base, { bias, layout }), low);
    const factors = outputFactors(weight); // [out]
    const plain = linear(dropped, base, { layout }); // [..., out]
    const sum = tf.mul(factors, tf.add(plain, low)); // [..., out]
    // what training drops is dropped of the change alone
    const whole = dropped === x ? sum : tf.add(tf.sub(linear(x, base, { layout }), plain), sum);
    return bias ? tf.add(whole, bias) : whole;
  });
}

function applyEmbed(weight: LowRank, ids: tf.Tensor): tf.Tensor {
  const { base, a, b, scale } = weight;
  return tf.tidy(() => {
    const low = tf.mul(linear(embed(ids, tf.transpose(a)), b), scale); // [..., D]
    const rows = embed(ids, base); // [..., D]
    return weight.magnitude ? tf.mul(outputFactors(weight), tf.add(rows, low)) : tf.add(rows, low);
  });
}

/** The operations of low-rank weights; see {@link lowRank}. */
export const lowRankOperations: WeightOperations<LowRank> = {
  kind: 'low-rank',
  shape: ({ base }) => weightShape(base),
  linear: applyLinear,
  embed: applyEmbed,
  toDense: (weight) =>
    tf.tidy(() => {
      const sum = tf.add(denseOf(weight.base), delta(weight));
      return weight.magnitude ? tf.mul(sum, along(weight, outputFactors(weight))) : sum;
    }),
  tensors: ({ base, a, b, magnitude }) => ({ ...innerTensors(base), a, b, ...(magnitude && { magnitude }) }),
  withTensors: (weight, tensors) => ({
    ...weight,
    base: withInnerTensors(weight.base, tensors),
    a: tensors.a,
    b: tensors.b,
    magnitude: weight.magnitude && tensors.magnitude,
  }),
  structure: ({ base, scale, layout, table, dropout: rate }) =>
    `${scale},${layout},${table},${rate},${innerStructure(base)}`,
  trainable: ({ magnitude }) => (magnitude ? ['a', 'b', 'magnitude'] : ['a', 'b']),
  around: {
    base: ({ base }) => base,
    withBase: (weight, base) => ({ ...weight, base }),
    unmerge: (weight, merged) =>
      tf.tidy(() => {
        const sum = weight.magnitude ? tf.div(merged, along(weight, outputFactors(weight))) : merged;
        return tf.sub(sum, delta(weight));
      }),
  },
  withDropout: (weight, key, site) => {
    const { base } = weight;
    const inner = isWeightForm(base) ? weightOperations(base).withDropout?.(base, key, site + 1) : undefined;
    return { ...weight, ...(inner && { base: inner }), drop: { key, site } };
  },
};

/**
 * Puts a low-rank sum beside a weight: W + s·B·A (LoRA), or with a magnitude m · (W + s·B·A) / ‖W + s·B·A‖ (DoRA).
 * Only A, B and m learn by default. Architectures use it like any weight.
 *
 * @param base the weight [out, in], its transpose (`in-out`), or a form, such as a quantized or another low-rank one
 * @param options A [r, in], B [out, r], scale, layout, magnitude [out], dropout
 * @returns the weight; it holds the given tensors, it does not copy them
 * @throws E_SHAPE when A, B or m do not fit the base; E_OPTION for a scale or dropout that cannot be; E_TENSOR, E_DTYPE,
 *   E_DISPOSED on bad tensors
 *
 * Hu et al.: "LoRA" (2021), section 4.1; Liu et al.: "DoRA" (2024), section 4; equals PEFT's `lora.Linear`.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { linear, lowRank } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const base = tf.tensor2d([[1, 0], [0, 1]]);
 * const weight = lowRank(base, { a: tf.tensor2d([[1, 1]]), b: tf.tensor2d([[1], [2]]), scale: 0.5 });
 * console.log(Array.from(linear(tf.tensor2d([[2, 4]]), weight).dataSync())); // → [ 5, 10 ]
 * ```
 */
export function lowRank(base: Weight, options: LowRankOptions): LowRank {
  const { a, b, scale, magnitude, layout = 'out-in', table = false, dropout: rate = 0 } = options;
  requireTensor('lowRank', 'a', a);
  requireTensor('lowRank', 'b', b);
  const [outputs, inputs] = layout === 'out-in' ? weightShape(base) : weightShape(base).slice().reverse();
  requireShape('lowRank', 'a', a, [null, inputs], 'rank, inputFeatures');
  requireShape('lowRank', 'b', b, [outputs, a.shape[0]], 'outputFeatures, rank');
  if (magnitude) {
    requireTensor('lowRank', 'magnitude', magnitude);
    requireShape('lowRank', 'magnitude', magnitude, [outputs], 'outputFeatures');
  }
  if (!Number.isFinite(scale)) throw optionError(`the scale is ${String(scale)}`, 'give alpha / rank');
  if (!(rate >= 0 && rate < 1)) throw optionError(`the dropout is ${String(rate)}`, 'give a share from 0 to below 1');
  return { [weightSymbol]: lowRankOperations as never, base, a, b, magnitude, scale, layout, table, dropout: rate };
}

const optionError = (message: string, fix: string): Error =>
  tesseraeError({ package: 'core', code: 'E_OPTION', message: `lowRank: ${message}`, fix });

/**
 * The length of each output's row of weights: what DoRA's magnitudes start from.
 *
 * @param weight the weight, dense or a form
 * @param layout how it lies
 * @returns [outputFeatures]
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { outputLengths } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * console.log(Array.from(outputLengths(tf.tensor2d([[3, 4], [0, 1]])).dataSync())); // → [ 5, 1 ]
 * ```
 */
export function outputLengths(weight: Weight, layout: LinearLayout = 'out-in'): tf.Tensor {
  return tf.tidy(() => tf.sqrt(tf.sum(tf.square(denseOf(weight)), layout === 'out-in' ? 1 : 0)));
}

/**
 * Whether a weight is a low-rank one.
 *
 * @param weight any weight
 * @returns true for what {@link lowRank} made
 * @example
 * ```ts
 * import { isLowRank } from '@tesserae/core';
 * console.log(isLowRank(undefined)); // → false
 * ```
 */
export function isLowRank(weight: Weight | undefined): weight is LowRank {
  return isWeightForm(weight) && weightOperations(weight).kind === lowRankOperations.kind;
}

import * as tf from '@tensorflow/tfjs-core';
import type { Lowering } from '@tesserae/backend-onnx';
import { tesseraeError } from '@tesserae/registry';
import { defineOp } from '../nn/defineOp';
import type { Op } from '../nn/defineOp';
import { requireTensor } from '../nn/shapes';
import { numberTypes } from './numberTypes';
import type { NumberType, RoundedType } from './numberTypes';

/** The settings of the op. */
export type RoundToAttributes = {
  type: RoundedType;
  /** What the gradient is rounded to. */
  backward: RoundedType | 'float32';
};

/** 2^⌊log₂ x⌋ of x ≥ 0 without logarithms. Rump: "Error Estimation of Floating-Point Summation" (2012), algorithm 3.5. */
export function unitInFirstPlace(x: tf.Tensor): tf.Tensor {
  const spread = tf.mul(x, 2 ** 23 + 1);
  return tf.abs(tf.sub(spread, tf.mul(spread, 1 - 2 ** -24)));
}

/**
 * Rounds the fraction, ties to even: beside a number 1.5 · 2^(23 − bits) times as large, the last bit of a float32 is worth
 * what the last bit of the type is, so that the addition rounds. Below the smallest normal number the unit stays, which
 * gives the subnormals. Numbers above `most` need not come out right.
 */
function roundFraction(x: tf.Tensor, { fractionBits, smallestExponent }: NumberType, most: number): tf.Tensor {
  const unit = tf.maximum(unitInFirstPlace(tf.minimum(tf.abs(x), most)), 2 ** smallestExponent);
  const beside = tf.mul(unit, 1.5 * 2 ** (23 - fractionBits));
  return tf.sub(tf.add(x, beside), beside);
}

/** What is above the largest number becomes infinite, or where the type has no infinity the largest number. */
function limit(rounded: tf.Tensor, { largest, infinite }: NumberType): tf.Tensor {
  const top = tf.fill(rounded.shape, infinite ? Infinity : largest);
  const bounded = tf.where(tf.greater(rounded, largest), top, rounded);
  return tf.where(tf.less(bounded, -largest), tf.neg(top), bounded);
}

/** Above this there is no room beside the largest bfloat16 for the greater number: those are brought down first. */
const far = 2 ** 64;

function round(x: tf.Tensor, type: RoundedType): tf.Tensor {
  const facts = numberTypes[type];
  const near = roundFraction(x, facts, type === 'bfloat16' ? far : 2 ** 20);
  const rounded =
    type === 'bfloat16'
      ? tf.where(tf.greater(tf.abs(x), far), tf.mul(roundFraction(tf.mul(x, 1 / far), facts, far), far), near)
      : limit(near, facts);
  return tf.where(tf.equal(rounded, 0), tf.mul(x, 0), rounded); // a negative zero stays one
}

/** Nodes that move elements and leave them as they are. */
const moving = new Set(['Reshape', 'Transpose', 'Identity', 'Slice', 'Split', 'Gather', 'Squeeze', 'Unsqueeze']);

/** Two casts; none where the elements come from such casts already, moved at most. */
const lower: Lowering = (graph, [x], { type }) => {
  const { onnxCode, infinite, largest } = numberTypes[type as RoundedType];
  let source = graph.producer(x);
  while (source && moving.has(source.opType)) source = graph.producer(graph.tensor(source.inputs[0]));
  const before = source?.opType === 'Cast' ? graph.producer(graph.tensor(source.inputs[0])) : undefined;
  if (before?.opType === 'Cast' && before.attributes.to === onnxCode) return [x];
  const small = onnxCode > 16;
  const narrow = graph.op(
    'Cast',
    [x],
    { to: onnxCode, ...(small && { saturate: 1 }) },
    { dtype: small ? 'uint8' : 'uint16' },
  );
  const rounded = graph.op('Cast', [narrow], { to: 1 }, { dtype: 'float32' });
  if (!small || !infinite) return [rounded];
  // ONNX Runtime reads the infinity of E5M2 back as NaN, so that it is put in here.
  const over = graph.scalar(largest + 4096, 'float32'); // half a step above the largest number
  const large = graph.op('GreaterOrEqual', [graph.op('Abs', [x]), over], {}, { dtype: 'bool' });
  return [graph.op('Where', [large, graph.op('Mul', [x, graph.scalar(Infinity, 'float32')]), rounded], {}, rounded)];
};

/** Rounds to another type and back. See {@link roundTo}. */
export const roundToOp: Op<{ x: tf.Tensor }, RoundToAttributes> = /* @__PURE__ */ defineOp<
  { x: tf.Tensor },
  RoundToAttributes
>({
  name: 'RoundTo',
  composite: ({ x }, { type }) => round(x, type),
  gradient: {
    backward: ({ gradient, attributes: { backward } }) => ({
      x: backward === 'float32' ? tf.clone(gradient) : roundToOp({ x: gradient }, { type: backward, backward }),
    }),
  },
  lower,
});

/** What `roundTo` can be told. */
export interface RoundToOptions {
  /** What the gradient is rounded to on its way back; the same type when absent. */
  readonly backward?: RoundedType | 'float32' | undefined;
}

/**
 * Rounds float32 numbers to those of a smaller type, exactly as the type's own arithmetic would: to nearest, ties to even,
 * subnormals kept. What is too large becomes infinite; in E4M3, which has no infinities, 448. The result is float32 again.
 *
 * As PyTorch's `x.to(type).float()`. The gradient passes straight through and is rounded as well.
 * Micikevicius et al.: "FP8 Formats for Deep Learning" (2022), section 3; IEEE 754-2019, section 4.3.1.
 *
 * @param x any shape
 * @param type `float16`, `bfloat16`, `float8e4m3` or `float8e5m2`
 * @param options `backward`
 * @returns the same shape
 * @throws E_OPTION on an unknown type; E_DTYPE, E_TENSOR, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { roundTo } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * console.log(Array.from(roundTo(tf.tensor1d([2049, 1e5, 0.1]), 'bfloat16').dataSync())); // → [ 2048, 99840, 0.10009765625 ]
 * ```
 */
export function roundTo(x: tf.Tensor, type: RoundedType, options: RoundToOptions = {}): tf.Tensor {
  const { backward = type } = options;
  requireTensor('roundTo', 'x', x);
  for (const name of [type, backward]) {
    if (Object.hasOwn(numberTypes, name) || (name === backward && name === 'float32')) continue;
    throw tesseraeError({
      package: 'core',
      code: 'E_OPTION',
      message: `roundTo: the type '${String(name)}' is unknown`,
      fix: `use one of ${Object.keys(numberTypes).join(', ')}`,
    });
  }
  return tf.tidy(() => roundToOp({ x }, { type, backward }));
}

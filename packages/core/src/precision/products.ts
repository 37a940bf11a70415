import * as tf from '@tensorflow/tfjs-core';
import { activePrecision } from './precision';
import { roundToOp } from './roundTo';
import { scaledRound, scaledRoundBothWays } from './scaledRound';

/** An input or output of a product, in the numbers that the active precision gives it. */
export function roundOperand(x: tf.Tensor): tf.Tensor {
  const precision = activePrecision();
  return precision ? roundToOp({ x }, { type: precision.type, backward: precision.type }) : x;
}

/** Rows and a matrix, [N, in] and [in, out] or its transpose, and perhaps a row [out] to add. */
interface Factors {
  readonly x: tf.Tensor;
  readonly weight: tf.Tensor;
  readonly bias?: tf.Tensor | undefined;
}

/**
 * A matrix product in the active precision: [N, out].
 *
 * @param factors what is multiplied and added
 * @param multiply the product itself
 */
export function roundedProduct(factors: Factors, multiply: (factors: Factors) => tf.Tensor): tf.Tensor {
  const precision = activePrecision();
  if (!precision) return multiply(factors);
  const { x, weight, bias } = factors;
  if (!precision.float8) {
    const rounded = { x: roundOperand(x), weight: roundOperand(weight), bias: bias && roundOperand(bias) };
    return roundOperand(multiply(rounded));
  }
  const back = (gradient: tf.Tensor): tf.Tensor =>
    roundToOp({ x: gradient }, { type: precision.type, backward: precision.type });
  const narrow = (tensor: tf.Tensor): tf.Tensor => scaledRoundBothWays(tensor, 'float8e4m3', back);
  const product = scaledRoundBothWays(multiply({ x: narrow(x), weight: narrow(weight) }), undefined, (gradient) =>
    scaledRound(gradient, 'float8e5m2'),
  ); // [N, out]
  return roundOperand(bias ? tf.add(product, roundOperand(bias)) : product);
}

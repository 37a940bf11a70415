import * as tf from '@tensorflow/tfjs-core';
import { numberTypes } from './numberTypes';
import type { RoundedType } from './numberTypes';
import { roundToOp, unitInFirstPlace } from './roundTo';

/**
 * Rounds to a type after a scaling that uses its range: round(x · s) / s with the largest power of two s for which
 * max |x| · s is still a number of the type. Powers of two make the way back exact, so that products of such numbers are
 * those of the scaled ones. Micikevicius et al.: "FP8 Formats for Deep Learning" (2022), section 3.2, with the present
 * maximum ("current scaling").
 *
 * What is not finite stays so: a tensor with an infinity becomes NaN.
 *
 * @param x any shape
 * @param type the type
 * @returns the same shape; no gradient is defined
 */
export function scaledRound(x: tf.Tensor, type: RoundedType): tf.Tensor {
  return tf.tidy(() => {
    const most = tf.maximum(tf.max(tf.abs(x)), 2 ** -80); // [] so that zeros have a finite scale too
    const scale = unitInFirstPlace(tf.div(numberTypes[type].largest, most)); // []
    const backward = 'float32';
    return tf.div(roundToOp({ x: tf.mul(x, scale) }, { type, backward }), scale);
  });
}

/**
 * Rounds with scaling on the way forward, the way back, or both: the gradient passes straight through, rounded.
 *
 * @param x any shape
 * @param forward what the value is rounded to, with scaling; left as it is when absent
 * @param backward rounds the gradient
 */
export function scaledRoundBothWays(
  x: tf.Tensor,
  forward: RoundedType | undefined,
  backward: (gradient: tf.Tensor) => tf.Tensor,
): tf.Tensor {
  return tf.customGrad((input) => ({
    value: forward ? scaledRound(input as tf.Tensor, forward) : tf.clone(input as tf.Tensor),
    gradFunc: backward,
  }))(x);
}

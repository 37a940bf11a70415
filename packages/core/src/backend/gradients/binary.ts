import * as tf from '@tensorflow/tfjs-core';
import { float, gradientOf, indicator, sumTo } from './gradient';

type Slope = (dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor, result: tf.Tensor) => tf.Tensor;

/** A kernel of two inputs that broadcast: each gradient is reduced to the shape of its input. */
function ofTwo(
  kernelName: string,
  slopeA: Slope,
  slopeB: Slope,
  names = ['a', 'b'],
  outputs: boolean[] = [],
): tf.GradConfig {
  const [first, second] = names as [string, string];
  const keep = outputs.length === 0 ? { inputs: names } : { inputs: names, outputs };
  return gradientOf(kernelName, keep, (dy, { tensors }) => {
    const [a, b, result] = tensors as [tf.Tensor, tf.Tensor, tf.Tensor];
    return {
      [first]: () => sumTo(slopeA(dy, float(a), float(b), result), a.shape),
      [second]: () => sumTo(slopeB(dy, float(a), float(b), result), b.shape),
    };
  });
}

const { add, div, mul, sub, square, neg } = tf;

/** Gradients of the kernels that combine tensors element by element. */
export function binaryGradients(): tf.GradConfig[] {
  return [
    ofTwo(
      'Add',
      (dy) => dy,
      (dy) => dy,
    ),
    gradientOf('AddN', { allInputs: true }, (dy, { tensors }) =>
      Object.fromEntries(tensors.map((_, index) => [index, () => tf.clone(dy)])),
    ),
    ofTwo(
      'Atan2',
      (dy, a, b) => div(mul(dy, b), add(square(a), square(b))),
      (dy, a, b) => neg(div(mul(dy, a), add(square(a), square(b)))),
    ),
    // ⌊a / b⌋ is flat; TensorFlow gives it the slope of a / b, and so do its models
    ofTwo(
      'FloorDiv',
      (dy, _a, b) => div(dy, b),
      (dy, a, b) => neg(div(mul(dy, a), square(b))),
    ),
    gradientOf('GreaterEqual', { inputs: ['a', 'b'] }, (_dy, { tensors: [a, b] }) => ({
      a: () => tf.zeros((a as tf.Tensor).shape),
      b: () => tf.zeros((b as tf.Tensor).shape),
    })),
    ofTwo(
      'Maximum',
      (dy, a, b) => mul(dy, indicator(tf.greaterEqual(a, b))),
      (dy, a, b) => mul(dy, indicator(tf.less(a, b))),
    ),
    ofTwo(
      'Minimum',
      (dy, a, b) => mul(dy, indicator(tf.lessEqual(a, b))),
      (dy, a, b) => mul(dy, indicator(tf.greater(a, b))),
    ),
    ofTwo(
      'Mod',
      (dy) => dy,
      (dy, a, b) => mul(dy, neg(tf.floor(div(a, b)))),
    ),
    ofTwo(
      'Multiply',
      (dy, _a, b) => mul(dy, b),
      (dy, a) => mul(dy, a),
    ),
    // the logarithm is only taken where it exists; where it does not, so does the gradient, and TensorFlow gives 0
    ofTwo(
      'Pow',
      (dy, a, b) => mul(dy, mul(b, tf.pow(a, sub(b, 1)))),
      (dy, a, _b, result) => mul(dy, mul(result, tf.where(tf.greater(a, 0), tf.log(a), tf.zerosLike(a)))),
      ['a', 'b'],
      [true],
    ),
    ofTwo(
      'Prelu',
      (dy, x, alpha) => tf.where(tf.greater(x, 0), dy, mul(dy, alpha)),
      (dy, x) => tf.where(tf.greater(x, 0), tf.zerosLike(dy), mul(dy, x)),
      ['x', 'alpha'],
    ),
    ofTwo(
      'RealDiv',
      (dy, _a, b) => div(dy, b),
      (dy, a, b) => neg(div(mul(dy, a), square(b))),
    ),
    ofTwo(
      'SquaredDifference',
      (dy, a, b) => mul(dy, mul(2, sub(a, b))),
      (dy, a, b) => mul(dy, mul(2, sub(b, a))),
    ),
    ofTwo(
      'Sub',
      (dy) => dy,
      (dy) => neg(dy),
    ),
    gradientOf('Select', { inputs: ['condition'] }, (dy, { tensors: [condition] }) => {
      const chosen = tf.cast(condition as tf.Tensor, 'bool');
      return {
        condition: () => tf.zeros((condition as tf.Tensor).shape),
        t: () => tf.where(chosen, dy, tf.zerosLike(dy)),
        e: () => tf.where(chosen, tf.zerosLike(dy), dy),
      };
    }),
  ];
}

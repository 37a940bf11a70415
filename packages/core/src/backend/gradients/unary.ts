import * as tf from '@tensorflow/tfjs-core';
import { float, gradientOf, indicator } from './gradient';

/** dx = dy · f′(x), from the input. */
function ofInput(kernelName: string, derivative: (dy: tf.Tensor, x: tf.Tensor) => tf.Tensor): tf.GradConfig {
  return gradientOf(kernelName, { inputs: ['x'] }, (dy, { tensors: [x] }) => ({
    x: () => derivative(dy, float(x as tf.Tensor)),
  }));
}

/** dx = dy · f′(x), from the output y = f(x): nothing is computed twice. */
function ofOutput(kernelName: string, derivative: (dy: tf.Tensor, y: tf.Tensor) => tf.Tensor): tf.GradConfig {
  return gradientOf(kernelName, { outputs: [true] }, (dy, { tensors: [y] }) => ({
    x: () => derivative(dy, y as tf.Tensor),
  }));
}

/** Steps and tests are flat wherever they have a slope. */
function flat(kernelName: string): tf.GradConfig {
  return gradientOf(kernelName, {}, (dy) => ({ x: () => tf.zerosLike(dy) }));
}

const { add, div, mul, sub, square, sqrt, neg, exp } = tf;

/** Gradients of the kernels that work on each element alone; the formulas are those of any calculus table. */
export function unaryGradients(): tf.GradConfig[] {
  return [
    ofInput('Abs', (dy, x) => mul(dy, tf.sign(x))),
    ofInput('Acos', (dy, x) => neg(div(dy, sqrt(sub(1, square(x)))))),
    ofInput('Acosh', (dy, x) => div(dy, sqrt(sub(square(x), 1)))),
    ofInput('Asin', (dy, x) => div(dy, sqrt(sub(1, square(x))))),
    ofInput('Asinh', (dy, x) => div(dy, sqrt(add(1, square(x))))),
    ofInput('Atan', (dy, x) => div(dy, add(1, square(x)))),
    ofInput('Atanh', (dy, x) => div(dy, sub(1, square(x)))),
    gradientOf('Cast', {}, (dy) => ({ x: () => float(dy) })),
    flat('Ceil'),
    gradientOf('ClipByValue', { inputs: ['x'] }, (dy, { tensors: [x], attributes }) => ({
      x: () => {
        const { clipValueMin, clipValueMax } = attributes as { clipValueMin: number; clipValueMax: number };
        const within = tf.logicalAnd(
          tf.greaterEqual(x as tf.Tensor, clipValueMin),
          tf.lessEqual(x as tf.Tensor, clipValueMax),
        );
        return mul(dy, indicator(within));
      },
    })),
    ofInput('Cos', (dy, x) => neg(mul(dy, tf.sin(x)))),
    ofInput('Cosh', (dy, x) => mul(dy, tf.sinh(x))),
    ofOutput('Elu', (dy, y) => mul(dy, add(tf.minimum(y, 0), 1))), // y = eˣ − 1 below zero, so its slope is y + 1
    ofInput('Erf', (dy, x) => mul(dy, mul(2 / Math.sqrt(Math.PI), exp(neg(square(x)))))),
    ofOutput('Exp', (dy, y) => mul(dy, y)),
    ofOutput('Expm1', (dy, y) => mul(dy, add(y, 1))),
    flat('Floor'),
    gradientOf('Identity', {}, (dy) => ({ x: () => tf.clone(dy) })),
    flat('IsFinite'),
    flat('IsInf'),
    flat('IsNan'),
    gradientOf('LeakyRelu', { inputs: ['x'] }, (dy, { tensors: [x], attributes }) => ({
      x: () => tf.where(tf.greater(x as tf.Tensor, 0), dy, mul(dy, attributes['alpha'] as number)),
    })),
    ofInput('Log', (dy, x) => div(dy, x)),
    ofInput('Log1p', (dy, x) => div(dy, add(1, x))),
    gradientOf('Neg', {}, (dy) => ({ x: () => neg(dy) })),
    flat('OnesLike'),
    ofInput('Reciprocal', (dy, x) => neg(div(dy, square(x)))),
    ofInput('Relu', (dy, x) => mul(dy, tf.step(x))),
    ofInput('Relu6', (dy, x) => mul(dy, mul(indicator(tf.lessEqual(x, 6)), tf.step(x)))),
    flat('Round'),
    ofOutput('Rsqrt', (dy, y) => mul(dy, mul(-0.5, mul(y, square(y))))), // −½ x^(−3/2) = −½ y³
    ofInput('Selu', (dy, x) => {
      const { SELU_SCALE, SELU_SCALEALPHA } = tf.backend_util;
      return tf.where(tf.greater(x, 0), mul(dy, SELU_SCALE), mul(dy, mul(SELU_SCALEALPHA, exp(x))));
    }),
    ofOutput('Sigmoid', (dy, y) => mul(dy, mul(y, sub(1, y)))),
    flat('Sign'),
    ofInput('Sin', (dy, x) => mul(dy, tf.cos(x))),
    ofInput('Sinh', (dy, x) => mul(dy, tf.cosh(x))),
    ofInput('Softplus', (dy, x) => mul(dy, tf.sigmoid(x))),
    ofOutput('Sqrt', (dy, y) => div(mul(dy, 0.5), y)),
    ofInput('Square', (dy, x) => mul(dy, mul(x, 2))),
    flat('Step'),
    ofInput('Tan', (dy, x) => div(dy, square(tf.cos(x)))),
    ofOutput('Tanh', (dy, y) => mul(dy, sub(1, square(y)))),
    flat('ZerosLike'),
  ];
}

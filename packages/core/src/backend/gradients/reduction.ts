import * as tf from '@tensorflow/tfjs-core';
import { float, gradientOf, indicator } from './gradient';

/** The axes of a reduction as it was called: one, several, or none for all. */
function axesOf(attributes: Readonly<Record<string, unknown>>, x: tf.Tensor, name = 'axis'): number[] {
  return tf.util.parseAxisParam(attributes[name] as number | number[], x.shape);
}

/** Gives a reduced tensor its reduced dimensions back, with length 1. */
function withReduced(y: tf.Tensor, x: tf.Tensor, axes: readonly number[]): tf.Tensor {
  return tf.reshape(
    y,
    x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size)),
  );
}

const { mul, sub } = tf;

/** Gradients of sums, means, extremes, products and the softmax family. */
export function reductionGradients(): tf.GradConfig[] {
  return [
    gradientOf('ArgMax', { inputs: ['x'] }, (_dy, { tensors: [x] }) => ({ x: () => tf.zeros((x as tf.Tensor).shape) })),
    gradientOf('ArgMin', { inputs: ['x'] }, (_dy, { tensors: [x] }) => ({ x: () => tf.zeros((x as tf.Tensor).shape) })),
    gradientOf('Cumsum', {}, (dy, { attributes }) => {
      const { axis, exclusive, reverse } = attributes as { axis: number; exclusive: boolean; reverse: boolean };
      return { x: () => tf.cumsum(dy, axis, exclusive, !reverse) };
    }),
    gradientOf('LogSoftmax', { outputs: [true] }, (dy, { tensors: [y], attributes }) => ({
      logits: () => sub(dy, mul(tf.sum(dy, attributes['axis'] as number, true), tf.exp(y as tf.Tensor))),
    })),
    extreme('Max', 'reductionIndices'),
    gradientOf('Mean', { inputs: ['x'] }, (dy, { tensors, attributes }) => {
      const x = tensors[0] as tf.Tensor;
      const axes = axesOf(attributes, x);
      const count = axes.reduce((product, axis) => product * (x.shape[axis] as number), 1);
      return { x: () => tf.broadcastTo(withReduced(tf.div(dy, count), x, axes), x.shape) };
    }),
    extreme('Min', 'axis'),
    gradientOf('Prod', { inputs: ['x'] }, (dy, { tensors, attributes }) => {
      const x = tensors[0] as tf.Tensor;
      return { x: () => productGradient(dy, float(x), axesOf(attributes, x)) };
    }),
    gradientOf('Softmax', { outputs: [true] }, (dy, { tensors, attributes }) => {
      const y = tensors[0] as tf.Tensor; // y ∘ (dy − ⟨dy, y⟩)
      return { logits: () => mul(y, sub(dy, tf.sum(mul(dy, y), attributes['dim'] as number, true))) };
    }),
    gradientOf('Sum', { inputs: ['x'] }, (dy, { tensors, attributes }) => {
      const x = tensors[0] as tf.Tensor;
      return { x: () => tf.broadcastTo(withReduced(dy, x, axesOf(attributes, x)), x.shape) };
    }),
  ];
}

/** Every element that equals the extreme receives the gradient, as TensorFlow.js has it. */
function extreme(kernelName: string, axisName: string): tf.GradConfig {
  return gradientOf(kernelName, { inputs: ['x'], outputs: [true] }, (dy, { tensors, attributes }) => {
    const [x, y] = tensors as [tf.Tensor, tf.Tensor];
    const axes = axesOf(attributes, x, axisName in attributes ? axisName : 'axis');
    return { x: () => mul(withReduced(dy, x, axes), indicator(tf.equal(x, withReduced(y, x, axes)))) };
  });
}

/** ∂(∏ x) / ∂xᵢ is the product of the others: of those before times of those after, so that zeros divide nothing. */
function productGradient(dy: tf.Tensor, x: tf.Tensor, axes: readonly number[]): tf.Tensor {
  const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const order = [...kept, ...axes];
  const keptShape = kept.map((axis) => x.shape[axis] as number);
  const rows = tf.reshape(tf.transpose(x, order), [...keptShape, -1]); // reduced dimensions as one, last
  const last = rows.rank - 1;
  const others = mul(tf.cumprod(rows, last, true, false), tf.cumprod(rows, last, true, true));
  const gradient = mul(tf.reshape(dy, [...keptShape, 1]), others);
  const transposed = tf.reshape(
    gradient,
    order.map((axis) => x.shape[axis] as number),
  );
  return tf.transpose(
    transposed,
    order.map((_, axis) => order.indexOf(axis)),
  );
}

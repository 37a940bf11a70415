import * as tf from '@tensorflow/tfjs-core';
import { gradientOf, gradientOfMany, sumTo } from './gradient';

/** Gradients of the kernels that move elements about: each is the movement back. */
export function shapeGradients(): tf.GradConfig[] {
  return [
    gradientOf('BroadcastTo', { inputs: ['x'] }, (dy, { tensors: [x] }) => ({
      x: () => sumTo(dy, (x as tf.Tensor).shape),
    })),
    gradientOf('Concat', { allInputs: true }, (dy, { tensors, attributes }) => {
      const shapes = tensors.map((tensor) => tensor.shape);
      const axis = tf.util.parseAxisParam(attributes['axis'] as number, shapes[0] as number[])[0] as number;
      const begins = shapes.map((_, index) =>
        shapes.slice(0, index).reduce((sum, shape) => sum + (shape[axis] as number), 0),
      );
      return Object.fromEntries(
        shapes.map((shape, index) => {
          const begin = shape.map((_, dimension) => (dimension === axis ? (begins[index] as number) : 0));
          return [index, () => tf.slice(dy, begin, shape)];
        }),
      );
    }),
    gradientOf('ExpandDims', { inputs: ['input'] }, (dy, { tensors: [x] }) => ({
      input: () => tf.reshape(dy, (x as tf.Tensor).shape),
    })),
    gradientOf('Pack', { allInputs: true }, (dy, { attributes }) => {
      const parts = tf.unstack(dy, attributes['axis'] as number);
      return Object.fromEntries(parts.map((part, index) => [index, () => part]));
    }),
    gradientOf('PadV2', { inputs: ['x'] }, (dy, { tensors: [x], attributes }) => {
      const paddings = attributes['paddings'] as [number, number][];
      return {
        x: () =>
          tf.slice(
            dy,
            paddings.map(([before]) => before),
            (x as tf.Tensor).shape,
          ),
      };
    }),
    gradientOf('Reshape', { inputs: ['x'] }, (dy, { tensors: [x] }) => ({
      x: () => tf.reshape(dy, (x as tf.Tensor).shape),
    })),
    gradientOf('Reverse', {}, (dy, { attributes }) => ({ x: () => tf.reverse(dy, attributes['dims'] as number[]) })),
    gradientOf('Slice', { inputs: ['x'] }, (dy, { tensors: [x], attributes }) => {
      const { shape } = x as tf.Tensor;
      const [begin, size] = tf.slice_util.parseSliceParams(
        x as tf.Tensor,
        attributes['begin'] as number[],
        attributes['size'] as number[],
      );
      const paddings = shape.map((length, axis): [number, number] => {
        const before = begin[axis] as number;
        return [before, length - before - (size[axis] as number)];
      });
      return { x: () => tf.pad(dy, paddings) };
    }),
    gradientOfMany('SplitV', {}, (dys, { attributes }) => ({ x: () => tf.concat(dys, attributes['axis'] as number) })),
    gradientOf('Tile', { inputs: ['x'] }, (dy, { tensors: [x], attributes }) => {
      const { shape } = x as tf.Tensor;
      const repetitions = attributes['reps'] as number[];
      return { x: () => untile(dy, shape, repetitions) };
    }),
    gradientOf('Transpose', {}, (dy, { attributes }) => {
      const order = attributes['perm'] as number[];
      return {
        x: () =>
          tf.transpose(
            dy,
            order.map((_, axis) => order.indexOf(axis)),
          ),
      };
    }),
    gradientOfMany('Unpack', {}, (dys, { attributes }) => ({
      value: () => tf.stack(dys, attributes['axis'] as number),
    })),
  ];
}

/** Sums the copies: each repeated dimension is split into [copies, length], and the copies are summed away at once. */
function untile(dy: tf.Tensor, shape: number[], repetitions: readonly number[]): tf.Tensor {
  const split: number[] = [];
  const copies: number[] = [];
  shape.forEach((length, axis) => {
    const times = repetitions[axis] ?? 1;
    if (times !== 1) {
      copies.push(split.length);
      split.push(times);
    }
    split.push(length);
  });
  return copies.length === 0 ? tf.clone(dy) : tf.reshape(tf.sum(tf.reshape(dy, split), copies), shape);
}

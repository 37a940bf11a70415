import * as tf from '@tensorflow/tfjs-core';
import { gradientOf } from './gradient';

/** Gradients of the kernels that pick rows by index, embeddings above all. */
export function indexingGradients(): tf.GradConfig[] {
  return [
    gradientOf('GatherV2', { inputs: ['x', 'indices'] }, (dy, { tensors, attributes }) => {
      const [x, indices] = tensors as [tf.Tensor, tf.Tensor];
      const axis = tf.util.parseAxisParam(attributes['axis'] as number, x.shape)[0] as number;
      return {
        x: () => scatterBack(dy, x.shape, indices, axis, (attributes['batchDims'] as number | undefined) ?? 0),
        indices: () => tf.zeros(indices.shape),
      };
    }),
    gradientOf('OneHot', { inputs: ['indices'] }, (_dy, { tensors: [indices] }) => ({
      indices: () => tf.zeros((indices as tf.Tensor).shape),
    })),
    gradientOf('UnsortedSegmentSum', { inputs: ['segmentIds'] }, (dy, { tensors: [ids] }) => ({
      x: () => gatherSegments(dy, ids as tf.Tensor1D),
    })),
  ];
}

/** Adds each picked slice's gradient to the place it came from. */
function scatterBack(dy: tf.Tensor, shape: number[], indices: tf.Tensor, axis: number, batchDims: number): tf.Tensor {
  if (batchDims > 0) {
    const [gradients, picks] = [tf.unstack(dy), tf.unstack(indices)];
    return tf.stack(
      gradients.map((gradient, i) =>
        scatterBack(gradient, shape.slice(1), picks[i] as tf.Tensor, axis - 1, batchDims - 1),
      ),
    );
  }
  const flat = tf.reshape(tf.cast(indices, 'int32'), [indices.size]);
  const [before, after] = [shape.slice(0, axis), shape.slice(axis + 1)];
  const picked = tf.reshape(dy, [...before, indices.size, ...after]);
  if (axis === 0) return tf.unsortedSegmentSum(picked, flat as tf.Tensor1D, shape[0] as number);
  const toFront = [axis, ...shape.map((_, i) => i).filter((i) => i !== axis)];
  const sums = tf.unsortedSegmentSum(tf.transpose(picked, toFront), flat as tf.Tensor1D, shape[axis] as number);
  return tf.transpose(
    sums,
    toFront.map((_, i) => toFront.indexOf(i)),
  );
}

/** Every row receives the gradient of its segment; rows of a negative segment were dropped and receive none. */
function gatherSegments(dy: tf.Tensor, ids: tf.Tensor1D): tf.Tensor {
  const rows = tf.gather(dy, tf.maximum(ids, tf.scalar(0, 'int32')) as tf.Tensor1D);
  const kept = tf.reshape(tf.greaterEqual(ids, tf.scalar(0, 'int32')), [
    ids.size,
    ...new Array<number>(dy.rank - 1).fill(1),
  ]);
  return tf.mul(rows, tf.cast(kept, 'float32'));
}

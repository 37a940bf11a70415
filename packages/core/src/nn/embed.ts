import * as tf from '@tensorflow/tfjs-core';
import { isWeightForm, weightOperations } from '../model/weight';
import type { Weight } from '../model/weight';
import { defineOp } from './defineOp';
import { requireShape, requireTensor, sizes } from './shapes';

/** Rows of a table by id; the gradient adds each row's gradient to its id's row. See {@link embed}. */
export const embedOp = /* @__PURE__ */ defineOp<
  { weight: tf.Tensor; ids: tf.Tensor },
  { paddingId: number | undefined }
>({
  name: 'Embed',
  composite: ({ weight, ids }) => tf.gather(weight, ids as tf.Tensor1D), // [N, D]
  gradient: {
    backward({ gradient, inputs: { weight, ids }, attributes: { paddingId } }) {
      const masked =
        paddingId === undefined
          ? gradient
          : tf.mul(gradient, tf.expandDims(tf.cast(tf.notEqual(ids, tf.scalar(paddingId, 'int32')), 'float32'), 1));
      return { weight: tf.unsortedSegmentSum(masked, ids as tf.Tensor1D, weight.shape[0]) }; // [V, D]
    },
  },
});

/** What `embed` can be told. */
export interface EmbedOptions {
  /** An id whose row gets no gradient. */
  readonly paddingId?: number | undefined;
}

/**
 * Looks up the rows of a table: y[...] = W[ids[...]].
 *
 * @param ids int32 [...], each from 0 to V − 1
 * @param weight the table [V, D], or a weight form
 * @param options `paddingId`: an id whose row gets no gradient
 * @returns [..., D]
 * @throws E_SHAPE when the table is no matrix; E_DTYPE, E_TENSOR, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { embed } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const rows = embed(tf.tensor1d([1, 1, 0], 'int32'), tf.tensor2d([[1, 2], [3, 4]]));
 * console.log(Array.from(rows.dataSync())); // → [ 3, 4, 3, 4, 1, 2 ]
 * ```
 */
export function embed(ids: tf.Tensor, weight: Weight, options: EmbedOptions = {}): tf.Tensor {
  requireTensor('embed', 'ids', ids, ['int32']);
  if (isWeightForm(weight)) return weightOperations(weight).embed(weight, ids);
  requireTensor('embed', 'weight', weight);
  requireShape('embed', 'weight', weight, [null, null], 'vocabulary, width');
  return tf.tidy(() =>
    tf.reshape(embedOp({ weight, ids: tf.reshape(ids, [ids.size]) }, { paddingId: options.paddingId }), [
      ...ids.shape,
      sizes(weight)[1],
    ]),
  );
}

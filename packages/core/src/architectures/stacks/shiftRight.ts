import * as tf from '@tensorflow/tfjs-core';
import { requireShape, requireTensor, sizes } from '../../nn/shapes';

/** What `shiftRight` puts where. */
export interface ShiftRightOptions {
  /** The decoder's first token: `config.decoderStartTokenId`. */
  readonly start: number;
  /** What stands in the place of labels that are ignored (−100): `config.padTokenId`. */
  readonly pad: number;
}

/**
 * What a decoder reads while it learns to say the labels: the same, one place to the right, after the start token. As in
 * transformers, ignored labels (−100) become padding.
 *
 * @param labels int32 [B, T]
 * @param options `start`, `pad`
 * @returns int32 [B, T]
 * @throws E_SHAPE, E_DTYPE when the labels are no int32 matrix
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { shiftRight } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const ids = shiftRight(tf.tensor2d([[7, 8, -100]], [1, 3], 'int32'), { start: 0, pad: 1 });
 * console.log(Array.from(ids.dataSync())); // → [ 0, 7, 8 ]
 * ```
 */
export function shiftRight(labels: tf.Tensor, { start, pad }: ShiftRightOptions): tf.Tensor {
  requireTensor('shiftRight', 'labels', labels, ['int32']);
  requireShape('shiftRight', 'labels', labels, [null, null], 'batch, time');
  const [batch, time] = sizes(labels);
  return tf.tidy(() => {
    const first = tf.fill([batch, 1], start, 'int32');
    const rest = tf.slice(labels, [0, 0], [batch, time - 1]); // [B, T - 1]
    const shifted = time > 1 ? tf.concat([first, rest as tf.Tensor2D], 1) : first;
    const padding = tf.fill([batch, time], pad, 'int32');
    return tf.where(tf.equal(shifted, tf.scalar(-100, 'int32')), padding, shifted); // [B, T]
  });
}

import * as tf from '@tensorflow/tfjs-core';
import { defineOp } from './defineOp';
import { asRows, meanOfRows, sumRows } from './rows';
import { requireRank, requireShape, requireTensor, width } from './shapes';

/** The tensors of the op. */
export type RmsNormInputs = { x: tf.Tensor; weight: tf.Tensor };

/** [value, normalized x, 1 / root mean square] on rows. */
function normalize({ x, weight }: RmsNormInputs, { epsilon }: { epsilon: number }): [tf.Tensor, tf.Tensor, tf.Tensor] {
  const rows = x as tf.Tensor2D; // [N, D]
  const inverse = tf.rsqrt(tf.add(meanOfRows(tf.square(rows)), epsilon)); // [N, 1]
  const normalized = tf.mul(rows, inverse); // [N, D]
  return [tf.mul(normalized, weight), normalized, inverse];
}

/** Root-mean-square normalization on rows [N, D]. See {@link rmsNorm}. */
export const rmsNormOp = /* @__PURE__ */ defineOp<RmsNormInputs, { epsilon: number }>({
  name: 'RmsNorm',
  composite: (inputs, attributes) => normalize(inputs, attributes)[0],
  gradient: {
    forward: normalize,
    // With n the normalized x: dx = (dy · w - n · mean(dy · w · n)) / rms; the mean is a product with w / D.
    backward({ gradient, inputs: { weight }, extras }) {
      const dy = gradient as tf.Tensor2D; // [N, D]
      const [normalized, inverse] = extras as [tf.Tensor2D, tf.Tensor2D];
      const features = dy.shape[1];
      const product = tf.mul(dy, normalized) as tf.Tensor2D;
      const mean = tf.matMul(product, tf.reshape(tf.div(weight, features), [features, 1]) as tf.Tensor2D); // [N, 1]
      return {
        x: tf.mul(tf.sub(tf.mul(dy, weight), tf.mul(normalized, mean)), inverse),
        weight: sumRows(product),
      };
    },
  },
});

/** What `rmsNorm` can be told. */
export interface RmsNormOptions {
  /** Added to the mean square, 1e-6 when absent. */
  readonly epsilon?: number | undefined;
  /** Added to the weight: 1 for Gemma's norm, whose stored weights stand for 1 + weight. 0 when absent. */
  readonly weightOffset?: number | undefined;
}

/**
 * Root-mean-square normalization over the last dimension: x / √(mean(x²) + ε) · weight.
 * Zhang, Sennrich: "Root Mean Square Layer Normalization" (2019), equation 4; as Hugging Face's `LlamaRMSNorm`.
 *
 * @param x [..., D]
 * @param weight [D]
 * @param options `epsilon`, `weightOffset`
 * @returns [..., D]
 * @throws E_SHAPE when the weight is not [D]; E_DTYPE, E_TENSOR, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { rmsNorm } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const y = rmsNorm(tf.tensor2d([[3, -3]]), tf.tensor1d([1, 2]), { epsilon: 0 });
 * console.log(Array.from(y.dataSync())); // → [ 1, -2 ]
 * ```
 */
export function rmsNorm(x: tf.Tensor, weight: tf.Tensor, options: RmsNormOptions = {}): tf.Tensor {
  const { epsilon = 1e-6, weightOffset = 0 } = options;
  requireTensor('rmsNorm', 'x', x);
  requireRank('rmsNorm', 'x', x, 1, '..., width');
  requireTensor('rmsNorm', 'weight', weight);
  requireShape('rmsNorm', 'weight', weight, [width(x)], 'width');
  return tf.tidy(() => {
    const scale = weightOffset === 0 ? weight : tf.add(weight, weightOffset);
    return tf.reshape(rmsNormOp({ x: asRows(x), weight: scale }, { epsilon }), x.shape);
  });
}

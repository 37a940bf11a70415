import * as tf from '@tensorflow/tfjs-core';
import { defineOp } from './defineOp';
import { asRows, meanOfRows, sumRows } from './rows';
import { requireRank, requireShape, requireTensor, width } from './shapes';

/** The tensors of the op. */
export type LayerNormInputs = { x: tf.Tensor; weight?: tf.Tensor | undefined; bias?: tf.Tensor | undefined };

/** [value, normalized x, 1 / deviation] on rows. */
function normalize(
  { x, weight, bias }: LayerNormInputs,
  { epsilon }: { epsilon: number },
): [tf.Tensor, tf.Tensor, tf.Tensor] {
  const rows = x as tf.Tensor2D; // [N, D]
  const centred = tf.sub(rows, meanOfRows(rows)) as tf.Tensor2D;
  const inverse = tf.rsqrt(tf.add(meanOfRows(tf.square(centred)), epsilon)); // [N, 1]
  const normalized = tf.mul(centred, inverse); // [N, D]
  const scaled = weight ? tf.mul(normalized, weight) : normalized;
  return [bias ? tf.add(scaled, bias) : scaled, normalized, inverse];
}

/** Layer normalization on rows [N, D]. See {@link layerNorm}. */
export const layerNormOp = /* @__PURE__ */ defineOp<LayerNormInputs, { epsilon: number }>({
  name: 'LayerNorm',
  composite: (inputs, attributes) => normalize(inputs, attributes)[0],
  gradient: {
    forward: normalize,
    // With n the normalized x, g = dy · w and means over D: dx = (g - mean(g) - n · mean(g · n)) / deviation.
    // Both means are products with w / D, so that g is never needed for them, and dy · n serves dw too.
    backward({ gradient, inputs: { weight, bias }, extras }) {
      const dy = gradient as tf.Tensor2D; // [N, D]
      const [normalized, inverse] = extras as [tf.Tensor2D, tf.Tensor2D];
      const features = dy.shape[1];
      const column = weight
        ? tf.reshape(tf.div(weight, features), [features, 1])
        : tf.fill([features, 1], 1 / features);
      const product = tf.mul(dy, normalized) as tf.Tensor2D;
      const meanGradient = tf.matMul(dy, column as tf.Tensor2D); // [N, 1]
      const meanProduct = tf.matMul(product, column as tf.Tensor2D); // [N, 1]
      const scaled = weight ? tf.mul(dy, weight) : dy;
      return {
        x: tf.mul(tf.sub(scaled, tf.add(tf.mul(normalized, meanProduct), meanGradient)), inverse),
        ...(weight && { weight: sumRows(product) }),
        ...(bias && { bias: sumRows(dy) }),
      };
    },
  },
});

/** What `layerNorm` can be told. */
export interface LayerNormOptions {
  /** [D]; no scaling when absent. */
  readonly weight?: tf.Tensor | undefined;
  /** [D]; no shift when absent. */
  readonly bias?: tf.Tensor | undefined;
  /** Added to the variance, 1e-5 when absent. */
  readonly epsilon?: number | undefined;
}

/**
 * Layer normalization over the last dimension: (x − mean) / √(variance + ε) · weight + bias, the variance being the
 * biased one. Ba, Kiros, Hinton: "Layer Normalization" (2016), equation 4; as `torch.nn.functional.layer_norm`.
 *
 * @param x [..., D]
 * @param options `weight` [D], `bias` [D], `epsilon`
 * @returns [..., D]
 * @throws E_SHAPE when weight or bias is not [D]; E_DTYPE, E_TENSOR, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { layerNorm } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const y = layerNorm(tf.tensor2d([[1, 3]]), { weight: tf.tensor1d([1, 1]), bias: tf.tensor1d([0, 5]), epsilon: 0 });
 * console.log(Array.from(y.dataSync())); // → [ -1, 6 ]
 * ```
 */
export function layerNorm(x: tf.Tensor, options: LayerNormOptions = {}): tf.Tensor {
  const { weight, bias, epsilon = 1e-5 } = options;
  requireTensor('layerNorm', 'x', x);
  requireRank('layerNorm', 'x', x, 1, '..., width');
  for (const [name, tensor] of [
    ['weight', weight],
    ['bias', bias],
  ] as const) {
    if (!tensor) continue;
    requireTensor('layerNorm', name, tensor);
    requireShape('layerNorm', name, tensor, [width(x)], 'width');
  }
  return tf.tidy(() => tf.reshape(layerNormOp({ x: asRows(x), weight, bias }, { epsilon }), x.shape));
}

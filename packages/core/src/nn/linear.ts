import * as tf from '@tensorflow/tfjs-core';
import { isWeightForm, weightOperations } from '../model/weight';
import type { LinearOptions, Weight } from '../model/weight';
import { roundedProduct } from '../precision/products';
import { defineOp } from './defineOp';
import { asRows, sumRows } from './rows';
import { requireRank, requireShape, requireTensor, shapeError, sizes, width } from './shapes';

/** y = x · W + b on rows; both layouts, so that a checkpoint's matrix is used as it lies. See {@link linear}. */
export const linearOp = /* @__PURE__ */ defineOp<
  { x: tf.Tensor; weight: tf.Tensor; bias?: tf.Tensor | undefined },
  { outIn: boolean }
>({
  name: 'Linear',
  composite({ x, weight, bias }, { outIn }) {
    const product = tf.matMul(x as tf.Tensor2D, weight as tf.Tensor2D, false, outIn); // [N, out]
    return bias ? tf.add(product, bias) : product;
  },
  gradient: {
    backward({ gradient, inputs: { x, weight, bias }, attributes: { outIn } }) {
      const dy = gradient as tf.Tensor2D; // [N, out]
      return {
        x: tf.matMul(dy, weight as tf.Tensor2D, false, !outIn), // [N, in]
        weight: outIn ? tf.matMul(dy, x as tf.Tensor2D, true) : tf.matMul(x as tf.Tensor2D, dy, true),
        ...(bias && { bias: sumRows(dy) }),
      };
    },
  },
});

/**
 * Applies a matrix to the last dimension: y = x · W + b, or x · Wᵀ + b for a weight stored `out-in`.
 *
 * @param x [..., inputFeatures]
 * @param weight [outputFeatures, inputFeatures] (`out-in`), its transpose (`in-out`), or a weight form
 * @param options `bias` [outputFeatures], `layout` (`out-in` when absent)
 * @returns [..., outputFeatures]
 * @throws E_SHAPE when the features do not agree; E_DTYPE, E_TENSOR, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { linear } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const y = linear(tf.tensor2d([[1, 2]]), tf.tensor2d([[1, 1], [1, 0], [0, 1]]), { bias: tf.tensor1d([0, 0, 10]) });
 * console.log(Array.from(y.dataSync())); // → [ 3, 1, 12 ]
 * ```
 */
export function linear(x: tf.Tensor, weight: Weight, options: LinearOptions = {}): tf.Tensor {
  requireTensor('linear', 'x', x);
  requireRank('linear', 'x', x, 1, '..., inputFeatures');
  if (isWeightForm(weight)) return weightOperations(weight).linear(weight, x, options);
  const { bias, layout = 'out-in' } = options;
  const outIn = layout === 'out-in';
  requireTensor('linear', 'weight', weight);
  requireShape(
    'linear',
    'weight',
    weight,
    [null, null],
    outIn ? 'outputFeatures, inputFeatures' : 'inputFeatures, outputFeatures',
  );
  const [outputs, inputs] = outIn ? sizes(weight) : sizes(weight).slice().reverse();
  if (width(x) !== inputs) {
    throw shapeError(
      'linear',
      `x has ${width(x)} input features ([${x.shape.join(', ')}]), the weight ${inputs} ([${weight.shape.join(', ')}], ${layout})`,
      'check the layout, or the width of the layer before',
    );
  }
  if (bias) {
    requireTensor('linear', 'bias', bias);
    requireShape('linear', 'bias', bias, [outputs], 'outputFeatures');
  }
  return tf.tidy(() =>
    tf.reshape(
      roundedProduct({ x: asRows(x), weight, bias }, (factors) => linearOp({ ...factors }, { outIn })),
      [...x.shape.slice(0, -1), outputs],
    ),
  );
}

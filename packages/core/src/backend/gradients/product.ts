import * as tf from '@tensorflow/tfjs-core';
import { gradientOf, sumTo } from './gradient';

/** Gradients of matrix products: C = A·B gives dA = dC·Bᵀ and dB = Aᵀ·dC, written for each way to transpose. */
export function productGradients(): tf.GradConfig[] {
  return [
    gradientOf('BatchMatMul', { inputs: ['a', 'b'] }, (dy, { tensors, attributes }) => {
      const [a, b] = tensors as [tf.Tensor, tf.Tensor];
      const { transposeA, transposeB } = attributes as { transposeA: boolean; transposeB: boolean };
      return {
        a: () => sumTo(transposeA ? tf.matMul(b, dy, transposeB, true) : tf.matMul(dy, b, false, !transposeB), a.shape),
        b: () => sumTo(transposeB ? tf.matMul(dy, a, true, transposeA) : tf.matMul(a, dy, !transposeA, false), b.shape),
      };
    }),
  ];
}

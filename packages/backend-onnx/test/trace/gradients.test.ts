import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { difference, exactly, onEveryExecutor, random } from '../support/compareBackends';
import type { Plain } from '../support/compareBackends';
import { registerTensorFlowGradients } from '../support/gradients';

beforeAll(registerTensorFlowGradients);

async function sameEverywhere(
  inputs: readonly Plain[],
  fn: (inputs: tf.Tensor[]) => tf.Tensor[],
  tolerance: number,
): Promise<void> {
  const { cpu, eager, traced } = await onEveryExecutor(inputs, fn);
  expect(difference(eager, cpu, tolerance)).toBeUndefined();
  expect(difference(traced, cpu, tolerance)).toBeUndefined();
}

it('differentiates a small perceptron', async () => {
  const inputs = [random([5, 4]), random([4, 8]), random([8]), random([8, 3]), random([3])];
  await sameEverywhere(
    inputs,
    ([x, w1, b1, w2, b2]) => {
      const loss = (...p: tf.Tensor[]): tf.Scalar => {
        const hidden = tf.relu(tf.add(tf.matMul(x as tf.Tensor2D, p[0] as tf.Tensor2D), p[1]));
        const out = tf.sigmoid(tf.add(tf.matMul(hidden as tf.Tensor2D, p[2] as tf.Tensor2D), p[3]));
        return tf.mean(tf.square(tf.sub(out, 0.3)));
      };
      const { value, grads } = tf.valueAndGrads(loss)([w1, b1, w2, b2]);
      return [value, ...grads];
    },
    1e-5,
  );
});

it('differentiates causal attention over embeddings', async () => {
  const [B, T, D, H, V] = [2, 5, 8, 2, 11];
  const ids = exactly([1, 2, 3, 10, 0, 4, 4, 4, 9, 1], 'int32', [B, T]);
  await sameEverywhere(
    [ids, random([V, D]), random([T, D]), random([D, 3 * D]), random([D, D])],
    ([x, ...params]) => {
      const mask = tf.tensor(
        Float32Array.from({ length: T * T }, (_, i) => (i % T <= Math.floor(i / T) ? 0 : -1e9)),
        [T, T],
      );
      const loss = (...[tokens, positions, mix, project]: tf.Tensor[]): tf.Scalar => {
        const h = tf.add(tf.gather(tokens, x as tf.Tensor2D), positions); // [B,T,D]
        const qkv = tf.reshape(tf.matMul(tf.reshape(h, [B * T, D]), mix as tf.Tensor2D), [B, T, 3 * D]);
        const [q, k, v] = tf
          .split(qkv, 3, 2)
          .map((part) => tf.transpose(tf.reshape(part, [B, T, H, D / H]), [0, 2, 1, 3]));
        const scores = tf.add(tf.mul(tf.matMul(q, k, false, true), 0.5), mask); // [B,H,T,T]
        const o = tf.reshape(tf.transpose(tf.matMul(tf.softmax(scores), v), [0, 2, 1, 3]), [B * T, D]);
        const logits = tf.matMul(tf.matMul(o, project as tf.Tensor2D), tokens as tf.Tensor2D, false, true); // [B·T,V]
        const picked = tf.sum(tf.mul(tf.logSoftmax(logits), tf.oneHot(tf.reshape(x, [B * T]) as tf.Tensor1D, V)), 1); // [B·T]
        return tf.neg(tf.mean(picked)) as tf.Scalar;
      };
      const { value, grads } = tf.valueAndGrads(loss)(params);
      return [value, ...grads];
    },
    2e-5,
  );
});

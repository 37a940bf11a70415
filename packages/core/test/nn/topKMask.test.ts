import * as tf from '@tensorflow/tfjs-core';
import { registerGradients, softcap, topKMask } from '@tesserae/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeOnBackends, use } from '../support/backends';

await describeOnBackends('topKMask and softcap', (backend) => {
  beforeAll(() => use(backend));

  it('marks the largest of each row, and takes no gradient', () => {
    registerGradients();
    tf.tidy(() => {
      const x = tf.tensor3d([[[3, 1, 2, 0]], [[-5, -1, -2, -9]]]);
      expect(Array.from(topKMask(x, 2).dataSync())).toEqual([1, 0, 1, 0, 0, 1, 1, 0]);
      expect(Array.from(topKMask(x, 4).dataSync())).toEqual(Array(8).fill(1));
      const slope = tf.grad((v) => tf.sum(tf.mul(v, topKMask(v, 1))))(x);
      expect(Array.from(slope.dataSync())).toEqual([1, 0, 0, 0, 0, 1, 0, 0]);
    });
  });

  it('caps smoothly, with the slope 1 - tanh²', () => {
    registerGradients();
    tf.tidy(() => {
      const x = tf.tensor1d([-90, -1, 0, 2]);
      softcap(x, 3)
        .dataSync()
        .forEach((value, i) => expect(value).toBeCloseTo(3 * Math.tanh([-90, -1, 0, 2][i] / 3), 5));
      tf.grad((v) => softcap(v, 3))(x)
        .dataSync()
        .forEach((value, i) => expect(value).toBeCloseTo(1 - Math.tanh([-90, -1, 0, 2][i] / 3) ** 2, 5));
    });
  });
});

describe('what is refused', () => {
  beforeAll(() => use('cpu'));
  it.each([
    [() => topKMask(tf.ones([2, 3]), 4), 'topKMask: k is 4 for 3 values a row; use a whole number from 1 to 3'],
    [() => topKMask(tf.ones([2, 3]), 1.5), 'topKMask: k is 1.5'],
    [() => topKMask(tf.scalar(1), 1), 'E_SHAPE'],
    [() => softcap(tf.ones([2]), 0), 'softcap: the cap is 0; use a positive number such as 30'],
  ])('%s', (call, message) => expect(call).toThrow(message));
});

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { clipByGlobalNorm, globalNorm } from '@tesserae/trainer';
import { beforeAll, describe, expect, it } from 'vitest';
import { goldenFile } from '../golden-file';

interface Tree {
  w: number[][];
  b: number[];
}
interface Golden {
  grads: Tree[];
  clip_grad_norm: { max_norm: number; norm_type: number | 'inf'; total_norm: number; grads: Tree }[];
}
const golden = goldenFile<Golden>('ops_optimizers');

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('clipByGlobalNorm', () => {
  const supported = golden.clip_grad_norm.filter((one) => one.norm_type === 2 || one.norm_type === 'inf');
  it.each(supported)('equals torch: at most $max_norm in norm $norm_type', (one) => {
    tf.tidy(() => {
      const { w, b } = golden.grads[3];
      const kind = one.norm_type === 'inf' ? Infinity : 2;
      const { gradients, norm } = clipByGlobalNorm([tf.tensor2d(w), tf.tensor1d(b)], one.max_norm, kind);
      expect(Math.abs(norm.dataSync()[0] - one.total_norm)).toBeLessThan(1e-5);
      const expected = [...one.grads.w.flat(), ...one.grads.b];
      const found = gradients.flatMap((g) => Array.from(g.dataSync()));
      found.forEach((value, i) => expect(Math.abs(value - expected[i])).toBeLessThan(1e-5));
    });
  });
  it('covers both kinds of norm', () => {
    expect(new Set(supported.map((one) => one.norm_type))).toEqual(new Set([2, 'inf']));
  });
  it('refuses a limit that is none', () => {
    expect(() => clipByGlobalNorm([tf.scalar(1)], 0)).toThrow('E_OPTION: the largest gradient norm must be');
    expect(() => globalNorm([], 2)).toThrow('there are no gradients');
    expect(() => globalNorm([tf.scalar(1)], 3 as never)).toThrow('must be 2 or Infinity, found 3');
  });
});

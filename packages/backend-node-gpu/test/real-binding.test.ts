import * as tf from '@tensorflow/tfjs-core';
import { diagnoseNodeGpu, useNodeGpu } from '@tesserae/backend-node-gpu';
import type { NodeGpuBackend } from '@tesserae/backend-node-gpu';
import { beforeAll, describe, expect, it } from 'vitest';

const { missing } = diagnoseNodeGpu('@tensorflow/tfjs-node');
const title =
  missing === undefined ? 'TensorFlow itself' : `TensorFlow itself (skipped: ${missing.detail}; ${missing.fix})`;

describe.skipIf(missing !== undefined)(title, () => {
  let loaded: NodeGpuBackend;
  beforeAll(async () => {
    loaded = await useNodeGpu({ prefer: 'cpu' });
  });

  it('is the active backend, and says its versions', () => {
    expect(tf.getBackend()).toBe('tensorflow');
    expect(loaded).toMatchObject({ name: 'tensorflow', package: '@tensorflow/tfjs-node' });
    expect(loaded.tensorflowVersion).toMatch(/^2\.\d+\.\d+/);
  });

  it('multiplies matrices as plain JavaScript does', async () => {
    const [rows, inner, columns] = [33, 65, 17];
    const values = (count: number, step: number): Float32Array =>
      Float32Array.from({ length: count }, (_, i) => Math.sin(step * i));
    const [a, b] = [values(rows * inner, 0.7), values(inner * columns, 1.3)];
    const product = tf.tidy(() => tf.matMul(tf.tensor2d(a, [rows, inner]), tf.tensor2d(b, [inner, columns])));
    const found = await product.data();
    product.dispose();
    found.forEach((value, index) => {
      const [row, column] = [Math.floor(index / columns), index % columns];
      let expected = 0;
      for (let k = 0; k < inner; k++) expected += (a[row * inner + k] as number) * (b[k * columns + column] as number);
      expect(Math.abs(value - expected)).toBeLessThan(1e-4);
    });
  });

  it('differentiates, and frees what it used', () => {
    const step = (): number[] => {
      const gradient = tf.tidy(() =>
        tf.grad((x) => tf.sum(tf.mul(tf.softmax(x), tf.tensor1d([1, 2, 3]))))(tf.tensor1d([0.1, 0.2, 0.3])),
      );
      const values = [...gradient.dataSync()];
      gradient.dispose();
      return values;
    };
    const first = step();
    const before = tf.memory().numTensors;
    for (let i = 0; i < 100; i++) expect(step()).toEqual(first);
    expect(tf.memory().numTensors).toBe(before);
    expect(first.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 5);
  });

  it('loads a second time without noise', async () => {
    expect(await useNodeGpu({ prefer: 'cpu' })).toMatchObject({ lib: loaded.lib, usingGpu: loaded.usingGpu });
  });
});

import * as tf from '@tensorflow/tfjs-core';
import { attention, compile, createModel, flattenParams, linear, llama, roundTo, withPrecision } from '@tesserae/core';
import type { Precision } from '@tesserae/core';
import { expect, it } from 'vitest';
import { describeOnBackends, use } from '../support/backends';
import { drawsFrom } from '../support/draws';

const draw = drawsFrom(0);

/** The largest difference, as a share of the largest value. */
function difference(found: tf.Tensor, wanted: tf.Tensor): number {
  return tf.tidy(() => tf.div(tf.max(tf.abs(tf.sub(found, wanted))), tf.max(tf.abs(wanted))).dataSync()[0]);
}

/** Rounding with the largest power of two that keeps all numbers in range, by another way than the library's. */
function scaled(x: tf.Tensor, type: 'float8e4m3' | 'float8e5m2'): tf.Tensor {
  const most = Math.max(...x.dataSync().map(Math.abs));
  const scale = 2 ** Math.floor(Math.log2((type === 'float8e4m3' ? 448 : 57344) / most));
  return tf.div(roundTo(tf.mul(x, scale), type), scale);
}

await describeOnBackends('products in another precision', (backend) => {
  for (const type of ['float16', 'bfloat16'] as const) {
    it(`are made of ${type} and give ${type}, forward and backward`, async () => {
      await use(backend);
      tf.tidy(() => {
        const [x, w, b, dy] = [draw([5, 6]), draw([4, 6]), draw([4]), draw([5, 4])];
        const r = (value: tf.Tensor): tf.Tensor => roundTo(value, type);
        const run = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor): tf.Tensor =>
          withPrecision(type, () => linear(x, w, { bias: b }));
        const [dx, dw, db] = tf.grads(run)([x, w, b], dy);
        // Sums of six products in another order may fall on the other side of a step: one step is allowed.
        const step = type === 'float16' ? 2 ** -10 : 2 ** -7;
        const close = (found: tf.Tensor, wanted: tf.Tensor): void => {
          expect(difference(found, r(wanted))).toBeLessThanOrEqual(step);
          expect(difference(found, r(found))).toBe(0);
        };
        close(run(x, w, b), linear(r(x), r(w), { bias: r(b) }));
        close(dx, tf.matMul(r(dy), r(w)));
        close(dw, tf.matMul(r(dy), r(x), true));
        close(db, tf.sum(r(dy), 0));
      });
    });
  }

  it('are made of scaled E4M3 forward and E5M2 backward, and give bfloat16', async () => {
    await use(backend);
    tf.tidy(() => {
      const [x, w, b, dy] = [draw([5, 6], 1e-3), draw([4, 6], 30), draw([4]), draw([5, 4], 1e-6)];
      const run = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor): tf.Tensor =>
        withPrecision('float8', () => linear(x, w, { bias: b }));
      const [dx, dw, db] = tf.grads(run)([x, w, b], dy);
      const half = (value: tf.Tensor): tf.Tensor => roundTo(value, 'bfloat16');
      const [xs, ws] = [scaled(x, 'float8e4m3'), scaled(w, 'float8e4m3')];
      const ds = scaled(half(dy), 'float8e5m2');
      const close = (found: tf.Tensor, wanted: tf.Tensor): void =>
        expect(difference(found, half(wanted))).toBeLessThanOrEqual(2 ** -7);
      close(run(x, w, b), tf.add(tf.matMul(xs, ws, false, true), half(b)));
      close(dx, tf.matMul(ds, ws));
      close(dw, tf.matMul(ds, xs, true));
      close(db, tf.sum(half(dy), 0));
    });
  });

  it('of a tensor of zeros are zeros, and of one with an infinity no numbers', async () => {
    await use(backend);
    tf.tidy(() => {
      const product = (x: tf.Tensor): Float32Array =>
        withPrecision('float8', () => linear(x, tf.ones([1, 2]))).dataSync() as Float32Array;
      expect(Array.from(product(tf.zeros([1, 2])))).toEqual([0]);
      expect(product(tf.tensor2d([[1, Infinity]]))[0]).toBeNaN();
    });
  });

  it('are a property of the program, not of what is outside it', async () => {
    await use(backend);
    const [x, w] = [draw([3, 8]), draw([2, 8])];
    const product = (x: tf.Tensor, w: tf.Tensor): tf.Tensor => linear(x, w);
    const half = compile(product, { precision: 'float16' });
    const full = compile(product);
    tf.tidy(() => {
      expect(difference(half(x, w), roundTo(full(x, w), 'float16'))).toBeLessThanOrEqual(2 ** -9);
      expect(difference(roundTo(half(x, w), 'float16'), half(x, w))).toBe(0);
      expect(difference(roundTo(full(x, w), 'float16'), full(x, w))).toBeGreaterThan(0);
      expect(difference(product(x, w), full(x, w))).toBeLessThan(1e-5);
    });
    tf.dispose([x, w]);
    half.dispose();
    full.dispose();
    expect(() => withPrecision('float4' as Precision, () => 0)).toThrow("E_OPTION: the precision 'float4' is unknown");
  });

  it('round the queries, keys and values of attention, and what it gives', async () => {
    await use(backend);
    tf.tidy(() => {
      const [q, k, v] = [draw([1, 2, 3, 4]), draw([1, 2, 3, 4]), draw([1, 2, 3, 4])];
      const r = (value: tf.Tensor): tf.Tensor => roundTo(value, 'bfloat16');
      const found = withPrecision('bfloat16', () => attention(q, k, v, { causal: true }));
      const seen = withPrecision('bfloat16', () => attention(q, k, v, { causal: true, onWeights: (w) => w }));
      const wanted = r(attention(r(q), r(k), r(v), { causal: true }));
      expect(difference(found, wanted)).toBeLessThanOrEqual(2 ** -8);
      expect(difference(seen, wanted)).toBeLessThanOrEqual(2 ** -8);
    });
  });

  it('change a model by about the step of the type, and leave no tensor behind', async () => {
    await use(backend);
    const model = createModel(
      llama,
      { vocabSize: 11, hiddenSize: 16, intermediateSize: 24, numHiddenLayers: 2, numAttentionHeads: 2 },
      { seed: 3 },
    );
    const inputIds = tf.tensor2d([[1, 2, 3, 4]], [1, 4], 'int32');
    const before = tf.memory().numTensors;
    const logits = (precision: Precision): tf.Tensor =>
      withPrecision(precision, () => llama.forward(model.params, { inputIds }, { config: model.config }).logits);
    const wanted = logits('float32');
    const bounds = { float16: [1e-6, 2e-3], bfloat16: [1e-4, 2e-2], float8: [2e-3, 0.3] } as const;
    for (const [precision, [least, most]] of Object.entries(bounds)) {
      const found = logits(precision as Precision);
      expect(difference(found, wanted), precision).toBeGreaterThan(least);
      expect(difference(found, wanted), precision).toBeLessThan(most);
      found.dispose();
    }
    wanted.dispose();
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([inputIds, ...flattenParams(model.params).map(([, weight]) => weight as tf.Tensor)]);
  });
});

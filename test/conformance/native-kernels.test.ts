import * as tf from '@tensorflow/tfjs-core';
import { locateNativeKernels, useOnnx } from '@tesserae/backend-onnx';
import {
  attention,
  blockSparse,
  compile,
  crossEntropy,
  geluTanh,
  layerNorm,
  linear,
  localGlobal,
  rmsNorm,
  selectBackend,
  slidingWindow,
  sparseAttention,
} from '@tesserae/core';
import type { AttentionPattern } from '@tesserae/core';
import { adamw } from '@tesserae/trainer';
import { beforeAll, describe, expect, it } from 'vitest';

/** The fused kernels of the native library against the same ops in standard ONNX operators: values and gradients. */
const built = locateNativeKernels() !== undefined;
if (!built)
  console.warn('skipped: native kernels (not built for this machine: no C compiler at build time, or no AVX2)');

let state = 1;
const random = (): number => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5) * 4;
const tensor = (...shape: number[]): tf.Tensor =>
  tf.tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, random), shape);

interface Case {
  readonly name: string;
  readonly inputs: () => tf.Tensor[];
  readonly run: (inputs: tf.Tensor[]) => tf.Tensor;
}

const labels = (rows: number, classes: number): tf.Tensor =>
  tf.tensor1d(
    Int32Array.from({ length: rows }, (_, i) => (i % 5 === 0 ? -100 : (i * 7) % classes)),
    'int32',
  );
/** [B,H,T,E] as architectures make it: heads turned to the front. */
const heads = (x: tf.Tensor): tf.Tensor => tf.transpose(x, [0, 2, 1, 3]);

/** Query [B,T,H,E] and key and value [B,S,K,E]; the last `padding` keys of the last text are not there. */
function sparse(name: string, pattern: AttentionPattern, query: number[], key: number[], padding = 0): Case {
  const keyMask = (): tf.Tensor =>
    tf.tensor2d(
      Int32Array.from({ length: key[0] * key[1] }, (_, at) => Number(at < key[0] * key[1] - padding)),
      [key[0], key[1]],
      'int32',
    );
  return {
    name: `sparseAttention, ${name}`,
    inputs: () => [tensor(...query), tensor(...key), tensor(...key)],
    run: ([q, k, v]) =>
      heads(sparseAttention(heads(q), heads(k), heads(v), { pattern, ...(padding > 0 && { keyMask: keyMask() }) })),
  };
}

const cases: Case[] = [
  { name: 'geluTanh', inputs: () => [tensor(7, 33)], run: ([x]) => geluTanh(x) },
  { name: 'geluTanh far from zero', inputs: () => [tf.mul(tensor(5, 100), 20)], run: ([x]) => geluTanh(x) },
  {
    name: 'layerNorm',
    inputs: () => [tensor(19, 48), tensor(48), tensor(48)],
    run: ([x, weight, bias]) => layerNorm(x, { weight, bias }),
  },
  { name: 'rmsNorm', inputs: () => [tensor(19, 48), tensor(48)], run: ([x, weight]) => rmsNorm(x, weight) },
  { name: 'crossEntropy', inputs: () => [tensor(23, 50)], run: ([x]) => crossEntropy(x, labels(23, 50)) },
  {
    name: 'crossEntropy, sum, scaled',
    inputs: () => [tensor(23, 37)],
    run: ([x]) => tf.mul(crossEntropy(x, labels(23, 37), { reduction: 'sum' }), 0.37),
  },
  {
    name: 'crossEntropy, nothing counts',
    inputs: () => [tensor(3, 16)],
    run: ([x]) => crossEntropy(x, tf.fill([3], -100, 'int32')),
  },
  {
    name: 'attention',
    inputs: () => [tensor(2, 61, 3, 16), tensor(2, 61, 3, 16), tensor(2, 61, 3, 16)],
    run: ([q, k, v]) => heads(attention(heads(q), heads(k), heads(v), { causal: true })),
  },
  {
    name: 'attention, grouped queries, more keys than queries',
    inputs: () => [tensor(2, 50, 4, 32), tensor(2, 70, 2, 32), tensor(2, 70, 2, 32)],
    run: ([q, k, v]) => heads(attention(heads(q), heads(k), heads(v), { causal: true, scale: 0.3 })),
  },
  {
    name: 'attention, one query',
    inputs: () => [tensor(1, 1, 2, 16), tensor(1, 9, 2, 16), tensor(1, 9, 2, 16)],
    run: ([q, k, v]) => heads(attention(heads(q), heads(k), heads(v), { causal: true })),
  },
  sparse('sliding window, grouped queries', slidingWindow({ window: 70 }), [2, 150, 4, 32], [2, 170, 2, 32]),
  sparse('global tokens', localGlobal({ window: 40, globalPositions: [0, 99] }), [1, 131, 2, 16], [1, 131, 2, 16]),
  sparse('random blocks, padding', blockSparse({ block: 16, randomBlocks: 2 }), [2, 95, 2, 16], [2, 95, 1, 16], 20),
  ...[true, false].flatMap((outIn): Case[] =>
    [
      [300, 130, 170],
      [129, 385, 211],
    ].map(([rows, from, to]) => ({
      name: `linear ${rows} x ${from} x ${to}, ${outIn ? 'out-in' : 'in-out'}`,
      inputs: () => [tensor(rows, from), outIn ? tensor(to, from) : tensor(from, to), tensor(to)],
      run: ([x, weight, bias]) => linear(x, weight, { bias, layout: outIn ? 'out-in' : 'in-out' }),
    })),
  ),
];

/** The value, and the gradients of its elements weighted by fixed numbers. */
function measure({ run }: Case, inputs: tf.Tensor[], compiled: boolean): Float32Array[] {
  const all = (given: tf.Tensor[]): tf.Tensor[] => {
    const shape = run(given).shape;
    const weights = tf.reshape(
      tf.cos(
        tf.range(
          0,
          shape.reduce((a, b) => a * b, 1),
        ),
      ),
      shape,
    );
    const gradients = tf.grads((...xs: tf.Tensor[]) => tf.sum(tf.mul(run(xs), weights)))(given);
    return [run(given), ...gradients];
  };
  return tf.tidy(() => (compiled ? compile(all)(inputs) : all(inputs)).map((x) => Float32Array.from(x.dataSync())));
}

describe.skipIf(!built)('native kernels equal standard operators', () => {
  beforeAll(async () => {
    await selectBackend({ prefer: 'onnx', log: false });
  });
  it.each(cases)('$name', async (one) => {
    const inputs = one.inputs();
    await useOnnx({ nativeKernels: false });
    const standard = measure(one, inputs, false);
    await useOnnx({ nativeKernels: true });
    for (const compiled of [false, true]) {
      const native = measure(one, inputs, compiled);
      expect(native.length).toBe(standard.length);
      native.forEach((values, i) => {
        const scale = standard[i].reduce((most, x) => Math.max(most, Math.abs(x)), 1);
        const worst = values.reduce((most, x, at) => Math.max(most, Math.abs(x - standard[i][at])), 0);
        expect(Number.isFinite(worst)).toBe(true);
        expect(worst, `${one.name}: output ${i}, ${compiled ? 'compiled' : 'eager'}`).toBeLessThan(2e-5 * scale);
      });
    }
    tf.dispose(inputs);
  });

  it('uses the library, and only where it is wanted', async () => {
    const x = tensor(4, 8);
    await useOnnx({ nativeKernels: true });
    const supports = (
      tf.backend() as unknown as Record<symbol, (name: string, inputs: object, attributes: object) => boolean>
    )[Symbol.for('tesserae.supports')];
    expect(supports('GeluTanh', { x }, {})).toBe(true);
    await useOnnx({ nativeKernels: false });
    expect(supports('GeluTanh', { x }, {})).toBe(false);
    x.dispose();
  });
});

describe.skipIf(!built)('the native optimizer step', () => {
  it.each([0, 0.1])('equals the standard one with weight decay %d', async (weightDecay) => {
    const shapes = [[33, 17], [5]];
    const optimizer = adamw({ weightDecay, beta2: 0.95 });
    const train = async (nativeKernels: boolean): Promise<Float32Array[]> => {
      await useOnnx({ nativeKernels });
      state = 7;
      let parameters = shapes.map((shape) => tensor(...shape));
      let moments = optimizer.init(parameters);
      for (let step = 1; step <= 4; step++) {
        const gradients = shapes.map((shape) => tensor(...shape));
        const context = {
          learningRate: tf.scalar(0.05),
          step: tf.scalar(step),
          decay: [true, false],
          gradientScale: tf.scalar(0.5),
        };
        ({ parameters, state: moments } = optimizer.update(gradients, moments, parameters, context));
      }
      return [...parameters, ...Object.values(moments).flat()].map((x) => Float32Array.from(x.dataSync()));
    };
    const [standard, native] = [await train(false), await train(true)];
    native.forEach((values, i) => values.forEach((x, at) => expect(Math.abs(x - standard[i][at])).toBeLessThan(1e-5)));
  });
});

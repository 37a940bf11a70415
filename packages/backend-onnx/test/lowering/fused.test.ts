import * as tf from '@tensorflow/tfjs-core';
import { useOnnx } from '@tesserae/backend-onnx';
import { describe, expect, it } from 'vitest';
import {
  cleanly,
  compiler,
  difference,
  exactly,
  onEveryExecutor,
  plainOf,
  random,
  tensorOf,
} from '../support/compareBackends';
import type { Plain } from '../support/compareBackends';

type Fn = (inputs: tf.Tensor[]) => tf.Tensor[];

/** Runs a kernel by name on tensors given in order. */
const kernel =
  (name: string, names: readonly string[], attributes: Readonly<Record<string, unknown>>): Fn =>
  (tensors) => {
    const inputs = Object.fromEntries(tensors.map((tensor, i) => [names[i], tensor]));
    const result = tf.engine().runKernel(name, inputs, attributes as unknown as tf.NamedAttrMap);
    return (Array.isArray(result) ? result : [result]) as tf.Tensor[];
  };

/** The fused kernel, eager and traced, equals what it means, computed by TensorFlow.js's reference backend. */
async function means(fused: Fn, meaning: Fn, inputs: readonly Plain[], tolerance = 5e-6): Promise<void> {
  const { cpu } = await onEveryExecutor(inputs, meaning);
  await useOnnx({ threads: 1 });
  const eager = cleanly(() => fused(inputs.map(tensorOf)).map(plainOf));
  const program = compiler()(fused, { name: 'fused', inputs, donated: inputs.map(() => false) });
  const traced = cleanly(() => program.run(inputs.map(tensorOf)).map(plainOf));
  program.dispose();
  expect(difference(eager, cpu, tolerance)).toBeUndefined();
  expect(difference(traced, cpu, tolerance)).toBeUndefined();
}

describe('fused kernels', () => {
  it('LayerNormalization gives value, mean and inverse deviation', () =>
    means(
      kernel('LayerNormalization', ['x', 'scale', 'bias'], { epsilon: 1e-3 }),
      ([x, scale, bias]) => {
        const mean = tf.mean(x, -1, true);
        const centred = tf.sub(x, mean);
        const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), 1e-3));
        return [tf.add(tf.mul(tf.mul(centred, inverse), scale), bias), mean, inverse];
      },
      [random([2, 3, 16]), random([16]), random([16])],
    ));

  it('RmsNormalization gives value and inverse root mean square', () =>
    means(
      kernel('RmsNormalization', ['x', 'scale'], { epsilon: 1e-5 }),
      ([x, scale]) => {
        const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), 1e-5));
        return [tf.mul(tf.mul(x, inverse), scale), inverse];
      },
      [random([2, 3, 16]), random([16])],
    ));

  it('Gelu, FastGelu and QuickGelu', async () => {
    const x = random([3, 40], 'float32', -6, 6);
    await means(
      kernel('Gelu', ['x'], {}),
      ([v]) => [tf.mul(v, tf.mul(tf.add(tf.erf(tf.mul(v, Math.SQRT1_2)), 1), 0.5))],
      [x],
    );
    const inner = (v: tf.Tensor): tf.Tensor =>
      tf.mul(Math.sqrt(2 / Math.PI), tf.add(v, tf.mul(0.044715, tf.pow(v, 3))));
    await means(kernel('FastGelu', ['x'], {}), ([v]) => [tf.mul(tf.mul(v, 0.5), tf.add(tf.tanh(inner(v)), 1))], [x]);
    await means(kernel('QuickGelu', ['x'], {}), ([v]) => [tf.mul(v, tf.sigmoid(tf.mul(v, 1.702)))], [x]);
    await means(kernel('QuickGelu', ['x'], { alpha: 1 }), ([v]) => [tf.mul(v, tf.sigmoid(v))], [x]);
  });

  it('FusedMatMul scales and transposes, with broadcasting', async () => {
    for (const [transposeA, transposeB] of [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ]) {
      const a = random(transposeA ? [3, 4, 2] : [3, 2, 4]);
      const b = random(transposeB ? [1, 5, 4] : [1, 4, 5]);
      await means(
        kernel('FusedMatMul', ['a', 'b'], { transposeA, transposeB, alpha: 0.125 }),
        ([x, y]) => [tf.mul(tf.matMul(x, y, transposeA, transposeB), 0.125)],
        [a, b],
      );
    }
  });

  it('WriteCache replaces slots, loses what has no room, and updates one row in place', async () => {
    const [B, K, M, E] = [2, 3, 5, 4];
    for (const T of [1, 3]) {
      for (const length of [0, 2, 4, 5, 9]) {
        const inputs = [random([B, K, M, E]), random([B, K, T, E]), exactly([length], 'int32', [])];
        const room = Math.max(0, Math.min(T, M - length));
        const meaning: Fn = ([cache, rows]) => [
          tf.concat(
            [
              tf.slice(cache, 0, [B, K, Math.min(length, M), E]),
              tf.slice(rows, 0, [B, K, room, E]),
              tf.slice(cache, [0, 0, Math.min(length, M) + room, 0]),
            ],
            2,
          ),
        ];
        await means(kernel('WriteCache', ['cache', 'rows', 'length'], {}), meaning, inputs);
      }
    }
    const inputs = [random([B, K, M, E]), random([B, K, 1, E]), exactly([2], 'int32', [])];
    const fn = kernel('WriteCache', ['cache', 'rows', 'length'], {});
    const program = compiler()(fn, { name: 'write', inputs, donated: [true, false, false] });
    expect(program.inPlaceOutputs).toBe(1);
    program.dispose();
  });

  it('LogSoftmax is what tf.logSoftmax composes', () =>
    means(kernel('LogSoftmax', ['logits'], { axis: 1 }), ([x]) => [tf.logSoftmax(x)], [
      random([3, 50], 'float32', -30, 30),
    ]));

  it('RotaryEmbedding turns pairs of features by their position', async () => {
    const [B, H, T, E] = [2, 3, 4, 8];
    const table = (f: (angle: number) => number): Plain =>
      exactly(
        Array.from({ length: 16 * (E / 2) }, (_, i) =>
          f(Math.floor(i / (E / 2)) * 10000 ** ((-2 * (i % (E / 2))) / E)),
        ),
        'float32',
        [16, E / 2],
      );
    const positions = exactly([0, 1, 2, 3, 7, 8, 9, 15], 'int32', [B, T]);
    await means(
      kernel('RotaryEmbedding', ['x', 'positions', 'cosine', 'sine'], {}),
      ([x, at, cosine, sine]) => {
        const [c, s] = [cosine, sine].map((values) =>
          tf.reshape(tf.gather(values, tf.reshape(at, [B * T]) as tf.Tensor1D), [B, 1, T, E / 2]),
        );
        const [first, second] = tf.split(x, 2, -1);
        return [
          tf.concat([tf.sub(tf.mul(first, c), tf.mul(second, s)), tf.add(tf.mul(second, c), tf.mul(first, s))], -1),
        ];
      },
      [random([B, H, T, E]), positions, table(Math.cos), table(Math.sin)],
    );
  });

  it('GroupQueryAttention attends to the cache and writes into it', async () => {
    const [B, H, K, S, E, past] = [2, 4, 2, 6, 8, 3];
    const [query, key, value] = [H, K, K].map((heads) => random([B, 1, heads * E]));
    const caches = [random([B, K, S, E]), random([B, K, S, E])];
    const names = ['query', 'key', 'value', 'pastKey', 'pastValue', 'lastPosition', 'totalLength'];
    const lengths = [exactly(new Array<number>(B).fill(past), 'int32'), exactly([past + 1], 'int32', [])];
    const meaning: Fn = ([q, k, v, pastKey, pastValue]) => {
      const write = (cache: tf.Tensor, row: tf.Tensor): tf.Tensor =>
        tf.concat(
          [
            tf.slice(cache, 0, [B, K, past, E]),
            tf.reshape(row, [B, K, 1, E]),
            tf.slice(cache, [0, 0, past + 1, 0], [B, K, S - past - 1, E]),
          ],
          2,
        );
      const [keys, values] = [write(pastKey, k), write(pastValue, v)];
      const seen = [keys, values].map((cache) => tf.slice(cache, 0, [B, K, past + 1, E]));
      const heads = tf.reshape(q, [B, K, H / K, E]);
      const weights = tf.softmax(tf.mul(tf.matMul(heads, seen[0], false, true), 1 / Math.sqrt(E)));
      return [tf.reshape(tf.matMul(weights, seen[1]), [B, 1, H * E])];
    };
    const fused = kernel('GroupQueryAttention', names, { numHeads: H, numKeyValueHeads: K });
    await means((tensors) => fused(tensors).slice(0, 1), meaning, [query, key, value, ...caches, ...lengths], 1e-5);

    // The new rows lie in the cache, which was updated in place.
    const inputs = [query, key, value, ...caches, ...lengths];
    const program = compiler()(fused, { name: 'decode', inputs, donated: inputs.map((_, i) => i === 3 || i === 4) });
    expect(program.inPlaceOutputs).toBe(2);
    const [output, presentKey] = cleanly(() =>
      program.run(inputs.map((plain) => tf.mul(tensorOf(plain), tf.scalar(1, plain.dtype as 'float32')))).map(plainOf),
    );
    program.dispose();
    expect(output.shape).toEqual([B, 1, H * E]);
    for (let b = 0; b < B; b++) {
      for (let k = 0; k < K; k++) {
        const at = ((b * K + k) * S + past) * E;
        expect(presentKey.values.slice(at, at + E)).toEqual(key.values.slice((b * K + k) * E, (b * K + k + 1) * E));
        expect(presentKey.values.slice(at - E, at)).toEqual(caches[0].values.slice(at - E, at));
      }
    }
  });
});

it('a condition of rank 1 selects rows', async () => {
  await useOnnx({ threads: 1 });
  const inputs = [
    exactly([1, 0], 'bool'),
    exactly([1, 2, 3, 4], 'float32', [2, 2]),
    exactly([5, 6, 7, 8], 'float32', [2, 2]),
  ];
  const [chosen] = cleanly(() => kernel('Select', ['condition', 't', 'e'], {})(inputs.map(tensorOf)).map(plainOf));
  expect(chosen.values).toEqual([1, 2, 7, 8]);
});

/** The attention kernel with spans, forward and backward, against its meaning in double precision. */
import * as tf from '@tensorflow/tfjs-core';
import { locateNativeKernels, useOnnx } from '@tesserae/backend-onnx';
import { describe, expect, it } from 'vitest';
import { random, tensorOf } from '../support/compareBackends';
import type { Plain } from '../support/compareBackends';

interface Shape {
  readonly B: number;
  readonly T: number;
  readonly S: number;
  readonly H: number;
  readonly K: number;
  readonly E: number;
}

const scale = 0.3;
const attributes = { scale, causal: false, window: 0, softcap: 0 };

/** Output and gradients [query, key, value], one number at a time. A query whose span is empty gives and gets nothing. */
function meaning(
  { B, T, S, H, K, E }: Shape,
  [q, k, v, d]: readonly (readonly number[])[],
  spans: readonly number[],
): number[][] {
  const [out, dq] = [new Float64Array(q.length), new Float64Array(q.length)];
  const [dk, dv] = [new Float64Array(k.length), new Float64Array(k.length)];
  for (let b = 0; b < B; b++)
    for (let h = 0; h < H; h++)
      for (let t = 0; t < T; t++) {
        const at = ((b * H + h) * T + t) * E;
        const keys = (b * K + Math.floor((h * K) / H)) * S * E;
        const dot = (x: readonly number[], i: number, y: readonly number[], j: number): number => {
          let sum = 0;
          for (let e = 0; e < E; e++) sum += x[i + e] * y[j + e];
          return sum;
        };
        const from = Math.max(0, spans[2 * (b * T + t)]);
        const to = Math.min(S, spans[2 * (b * T + t) + 1]);
        const seen = Array.from({ length: Math.max(0, to - from) }, (_, i) => keys + (from + i) * E);
        const scores = seen.map((key) => scale * dot(q, at, k, key));
        const most = Math.max(...scores);
        const total = scores.reduce((sum, score) => sum + Math.exp(score - most), 0);
        const weights = scores.map((score) => Math.exp(score - most) / total);
        const toWeights = seen.map((key) => dot(d, at, v, key));
        const mean = weights.reduce((sum, weight, i) => sum + weight * toWeights[i], 0);
        seen.forEach((key, i) => {
          const slope = weights[i] * (toWeights[i] - mean) * scale;
          for (let e = 0; e < E; e++) {
            out[at + e] += weights[i] * v[key + e];
            dq[at + e] += slope * k[key + e];
            dk[key + e] += slope * q[at + e];
            dv[key + e] += weights[i] * d[at + e];
          }
        });
      }
  return [out, dq, dk, dv].map((list) => Array.from(list));
}

/** Sequences of these lengths in each row: [B, T, 2], both ways or causal. */
const sequences = (rows: readonly (readonly number[])[], causal = false): number[] =>
  rows.flatMap((lengths) => {
    let from = 0;
    return lengths.flatMap((length) => {
      const first = from;
      from += length;
      return Array.from({ length }, (_, t) => [first, causal ? first + t + 1 : from]).flat();
    });
  });

const cases: readonly { name: string; shape: Shape; spans: number[] }[] = [
  { name: 'both ways', shape: { B: 2, T: 100, S: 100, H: 4, K: 2, E: 16 }, spans: sequences([[3, 60, 37], [100]]) },
  {
    name: 'causal',
    shape: { B: 2, T: 97, S: 97, H: 2, K: 1, E: 32 },
    spans: sequences(
      [
        [48, 48, 1],
        [1, 95, 1],
      ],
      true,
    ),
  },
  { name: 'one token', shape: { B: 1, T: 1, S: 1, H: 1, K: 1, E: 16 }, spans: [0, 1] },
  {
    name: 'spans that are empty or reach beyond the keys',
    shape: { B: 1, T: 70, S: 90, H: 2, K: 2, E: 16 },
    spans: Array.from({ length: 70 }, (_, t) => (t < 50 ? [40, 40] : t % 3 === 0 ? [95, 99] : [-5 + t, 60 + t])).flat(),
  },
];

const available = locateNativeKernels() !== undefined;
if (!available) console.log('skipped: attention in spans is a kernel of our own, which was not built');

describe.runIf(available)('attention in spans', () => {
  it.each(cases)('$name', async ({ shape, spans }) => {
    await useOnnx();
    const { B, T, S, H, K, E } = shape;
    const [q, k, v, d] = [
      [B, H, T, E],
      [B, K, S, E],
      [B, K, S, E],
      [B, H, T, E],
    ].map((sizes) => random(sizes, 'float32', -1, 1));
    const [query, key, value, gradient] = [q, k, v, d].map(tensorOf);
    const inputs = { query, key, value, spans: tensorOf({ shape: [B, T, 2], dtype: 'int32', values: spans } as Plain) };
    const supports = (tf.backend() as unknown as Record<symbol, (...all: unknown[]) => boolean>)[
      Symbol.for('tesserae.supports')
    ];
    const run = (name: string, given: object): tf.Tensor[] => {
      expect(supports(name, given, attributes)).toBe(true);
      return tf.engine().runKernel(name, given as never, attributes as never);
    };
    const [output, extra0] = run('Attention', inputs);
    const gradients = run('AttentionGradient', { gradient, ...inputs, output, extra0 });
    const expected = meaning(
      shape,
      [q, k, v, d].map(({ values }) => values),
      spans,
    );
    [output, ...gradients].forEach((tensor, i) => {
      const found = tensor.dataSync();
      const distance = expected[i].reduce((most, one, j) => Math.max(most, Math.abs(one - found[j])), 0);
      expect(found).toHaveLength(expected[i].length);
      expect(distance).toBeLessThan(5e-6);
    });
  });

  it('leaves a bias or a soft cap beside spans to the definition of the op', async () => {
    await useOnnx();
    const heads = tf.ones([1, 1, 4, 16]);
    const spans = tf.tensor3d([0, 4, 0, 4, 0, 4, 0, 4], [1, 4, 2], 'int32');
    const inputs = { query: heads, key: heads, value: heads, spans };
    const supports = (tf.backend() as unknown as Record<symbol, (...all: unknown[]) => boolean>)[
      Symbol.for('tesserae.supports')
    ];
    expect(supports('Attention', inputs, attributes)).toBe(true);
    expect(supports('Attention', { ...inputs, bias: tf.zeros([1, 1, 1, 4]) }, attributes)).toBe(false);
    expect(supports('Attention', inputs, { ...attributes, softcap: 2 })).toBe(false);
    expect(supports('Attention', inputs, { ...attributes, causal: true })).toBe(false);
  });
});

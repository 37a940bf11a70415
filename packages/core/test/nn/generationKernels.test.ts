import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { locateNativeKernels, useOnnx } from '@tesserae/backend-onnx';
import {
  attention,
  compile,
  createKeyValueCache,
  createModel,
  disposeKeyValueCache,
  linear,
  llama,
  rmsNorm,
  rotaryEmbedding,
  selectBackend,
  swiglu,
  writeCache,
} from '@tesserae/core';
import type { KeyValueCache, Params } from '@tesserae/core';
import { describe, expect, it } from 'vitest';

/** What generation runs on ONNX Runtime, with and without our own kernels, against the reference backend. */
const native = [true, false].filter((own) => !own || locateNativeKernels() !== undefined);
if (native.length === 1) console.log('skipped: our own kernels were not built here (no C compiler)');

let state = 7;
const random = (shape: number[], scale = 1): tf.Tensor =>
  tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return scale * (state / 2147483648 - 1);
    }),
    shape,
  );

/** The largest difference between a function's results here and on the reference backend. */
async function error(
  fn: (inputs: tf.Tensor[]) => tf.Tensor[],
  make: () => tf.Tensor[],
  nativeKernels: boolean,
  seed = 1,
): Promise<number> {
  const results = async (traced: boolean): Promise<Float32Array[]> => {
    state = seed;
    const inputs = make();
    const run = compile((...given: tf.Tensor[]) => fn(given), { name: 'case' });
    const outputs = traced ? run(...inputs) : tf.tidy(() => fn(inputs));
    const values = await Promise.all(outputs.map((output) => output.data() as Promise<Float32Array>));
    run.dispose();
    tf.dispose([inputs, outputs]);
    return values.map((value) => value.slice());
  };
  await selectBackend({ prefer: 'cpu', log: false });
  const expected = await results(false);
  await useOnnx({ nativeKernels });
  const before = tf.memory().numTensors;
  let worst = 0;
  for (const traced of [true, false]) {
    const found = await results(traced);
    found.forEach((values, i) => {
      if (values.length !== expected[i].length) worst = Infinity;
      values.forEach((value, j) => (worst = Math.max(worst, Math.abs(value - expected[i][j]) || 0)));
      if (values.some(Number.isNaN)) worst = Infinity;
    });
  }
  expect(tf.memory().numTensors).toBe(before);
  await useOnnx();
  return worst;
}

const offset = (at: number): tf.Tensor => tf.scalar(at, 'int32');
/** 0 where a row's slots count, -1e9 for its first `padding`. */
const padded = (paddings: number[], slots: number): tf.Tensor =>
  tf.tensor4d(
    paddings.flatMap((padding) => Array.from({ length: slots }, (_, slot) => (slot < padding ? -1e9 : 0))),
    [paddings.length, 1, 1, slots],
  );

describe.each(native)('with our own kernels: %s', (own) => {
  // batch, query heads, key heads, queries, slots, width, where the first query stands
  const cached: [string, number, number, number, number, number, number, number][] = [
    ['one query', 1, 4, 4, 1, 24, 16, 9],
    ['one query of many heads a key', 2, 6, 2, 1, 40, 32, 39],
    ['one query far in a long cache of one key head', 1, 4, 1, 1, 1100, 16, 1050],
    ['a few queries', 2, 4, 2, 3, 70, 80, 61],
    ['many queries', 1, 4, 2, 70, 90, 16, 5],
    ['many queries over blocks of keys', 1, 2, 1, 60, 1200, 16, 1100],
    ['a whole cache', 1, 2, 2, 20, 20, 48, 0],
  ];
  it.each(cached)('attention over a cache: %s', async (_name, batch, heads, keyHeads, time, slots, width, first) => {
    const make = (): tf.Tensor[] => [
      random([batch, heads, time, width], 2),
      random([batch, keyHeads, slots, width], 2),
      random([batch, keyHeads, slots, width]),
      offset(first),
    ];
    const plain = (inputs: tf.Tensor[]): tf.Tensor[] => [
      attention(inputs[0], inputs[1], inputs[2], { causal: true, queryOffset: inputs[3] }),
    ];
    expect(await error(plain, make, own)).toBeLessThan(3e-6);
    const biased = (inputs: tf.Tensor[]): tf.Tensor[] => [
      attention(inputs[0], inputs[1], inputs[2], {
        causal: true,
        queryOffset: inputs[3],
        bias: inputs[4],
        scale: 0.3,
      }),
    ];
    const paddings = Array.from({ length: batch }, (_, row) => Math.min(first, 3 + row));
    expect(await error(biased, () => [...make(), padded(paddings, slots)], own)).toBeLessThan(3e-6);
    const capped = (inputs: tf.Tensor[]): tf.Tensor[] => [
      attention(inputs[0], inputs[1], inputs[2], {
        causal: true,
        queryOffset: inputs[3],
        bias: inputs[4],
        window: 7,
        softcap: 2,
      }),
    ];
    expect(await error(capped, () => [...make(), padded(paddings.fill(0), slots)], own)).toBeLessThan(3e-6);
    const full = (): tf.Tensor[] => [...make(), random([batch, heads, time, slots], 3)];
    expect(await error(biased, full, own)).toBeLessThan(3e-6);
  });

  it('attention that looks both ways, with a bias for each head', async () => {
    const fn = ([q, k, v, bias]: tf.Tensor[]): tf.Tensor[] => [
      attention(q, k, v, { bias }),
      attention(q, k, v),
      attention(q, k, v, { window: 9 }),
      ...(q.shape[2] === 1 ? [attention(q, k, v, { causal: true, window: 9, softcap: 5 })] : []),
    ];
    for (const [time, slots] of [
      [1, 30],
      [37, 30],
    ]) {
      const make = (): tf.Tensor[] => [
        random([2, 4, time, 16]),
        random([2, 2, slots, 16]),
        random([2, 2, slots, 16]),
        random([1, 4, time, slots]),
      ];
      expect(await error(fn, make, own)).toBeLessThan(2e-6);
    }
  });

  it('writes a cache from any slot, in any number of rows', async () => {
    for (const [time, at] of [
      [1, 0],
      [1, 11],
      [5, 3],
      [12, 0],
    ]) {
      const fn = ([cache, rows, length]: tf.Tensor[]): tf.Tensor[] => [writeCache(cache, rows, length)];
      const make = (): tf.Tensor[] => [random([2, 3, 12, 16]), random([2, 3, time, 16]), offset(at)];
      expect(await error(fn, make, own)).toBe(0);
    }
  });

  // batch, query heads, key heads, queries, slots, width, slots that are filled
  const steps: [string, number, number, number, number, number, number, number][] = [
    ['one query', 1, 4, 4, 1, 24, 16, 9],
    ['one query of many heads a key', 2, 6, 2, 1, 40, 32, 39],
    ['one query far in a long cache of one key head', 1, 4, 1, 1, 1100, 16, 1050],
    ['a few queries', 2, 4, 2, 3, 70, 80, 61],
    ['many queries', 2, 4, 2, 37, 90, 16, 5],
    ['queries without room', 1, 2, 2, 3, 20, 16, 18],
  ];
  it.each(steps)('one step of a layer: %s', async (_name, batch, heads, keyHeads, time, slots, width, filled) => {
    const make = (): tf.Tensor[] => [
      random([batch, heads, time, width], 2),
      random([batch, keyHeads, time, width], 2),
      random([batch, keyHeads, time, width]),
      random([batch, keyHeads, slots, width], 2),
      random([batch, keyHeads, slots, width]),
      offset(filled),
      tf.tensor2d(
        Array.from({ length: batch * time }, (_, at) => (at * 5) % 37),
        [batch, time],
        'int32',
      ),
      padded(
        Array.from({ length: batch }, (_, row) => Math.min(filled, 2 + row)),
        slots,
      ),
    ];
    type Rotation = 'both' | 'queries' | 'none';
    const layer =
      (rotated: Rotation, more: object = {}) =>
      ([q, k, v, keyCache, valueCache, length, positions, bias]: tf.Tensor[]): tf.Tensor[] => {
        const query = rotated === 'none' ? q : rotaryEmbedding(q, positions);
        const key = rotated === 'both' ? rotaryEmbedding(k, positions) : k;
        const [keys, values] = [writeCache(keyCache, key, length), writeCache(valueCache, v, length)];
        const place = { causal: true, queryOffset: length, ...more };
        return [attention(query, keys, values, 'padding' in more ? { ...place, bias } : place), keys, values];
      };
    expect(await error(layer('both'), make, own)).toBeLessThan(4e-6);
    expect(await error(layer('both', { padding: true, softcap: 3 }), make, own)).toBeLessThan(4e-6);
    expect(await error(layer('queries'), make, own)).toBeLessThan(4e-6);
    expect(await error(layer('none', { window: 8, scale: 0.3 }), make, own)).toBeLessThan(4e-6);

    // In place, and all of it one node beside the angles.
    await useOnnx({ nativeKernels: own });
    const fn = layer('both');
    const run = compile((...given: tf.Tensor[]) => fn(given), { name: 'layer', donate: [3, 4] });
    const inputs = make();
    const [keys, values] = [3, 4].map((at) => tf.add(inputs[at], 0)); // memory of the backend's own
    const expected = tf.tidy(() => fn(inputs).map((tensor) => tensor.dataSync().slice()));
    const given = [...inputs.slice(0, 3), keys, values, ...inputs.slice(5)];
    if (own) expect(run.prepare(...given).nodes).toBeLessThanOrEqual(14);
    const outputs = run(...given);
    const off = outputs.map((output, i) => output.dataSync().map((value, j) => Math.abs(value - expected[i][j])));
    for (const differences of off) expect(Math.max(...differences)).toBeLessThan(4e-6);
    tf.dispose([inputs, outputs]);
    run.dispose();
  });

  it('turns queries by positions of their own', async () => {
    const fn = ([x, positions]: tf.Tensor[]): tf.Tensor[] => [rotaryEmbedding(x, positions)];
    const rows = (): tf.Tensor[] => [random([2, 3, 4, 32]), tf.tensor2d([0, 1, 2, 3, 7, 8, 9, 10], [2, 4], 'int32')];
    expect(await error(fn, rows, own)).toBeLessThan(2e-6);
    const shared = (): tf.Tensor[] => [random([2, 3, 4, 32]), tf.tensor1d([5, 6, 7, 8], 'int32')];
    expect(await error(fn, shared, own)).toBeLessThan(2e-6);
  });

  // rows, and whether results besides the last are asked for: then nothing may be swallowed by a neighbour
  it.each([
    [1, false],
    [3, false],
    [8, true],
    [9, false],
    [1, true],
  ])('a norm, products of the same %s rows, a gate and a residual (all shown: %s)', async (rows, all) => {
    const [width, inner] = [136, 200];
    const make = (): tf.Tensor[] => [
      random([1, rows, width]),
      random([width]),
      ...[width, width, width].map((outputs) => random([outputs, width], 0.1)),
      random([width]),
      random([inner, width], 0.1),
      random([inner, width], 0.1),
      random([width, inner], 0.1),
      random([width, inner], 0.1),
    ];
    const fn = ([x, scale, q, k, v, bias, gate, up, down, inOut]: tf.Tensor[]): tf.Tensor[] => {
      const normed = rmsNorm(x, scale, { epsilon: 1e-5 });
      const three = [linear(normed, q, { bias }), linear(normed, k), linear(normed, v)];
      const y = tf.add(x, tf.add(tf.mul(three[0], three[1]), three[2]));
      const again = rmsNorm(y, scale, { epsilon: 1e-3 });
      const hidden = swiglu(linear(again, gate), linear(again, up));
      const z = tf.add(y, linear(hidden, down));
      const other = linear(z, inOut, { layout: 'in-out' });
      return all ? [z, other, normed, again, hidden, ...three] : [z, other];
    };
    expect(await error(fn, make, own)).toBeLessThan(2e-5);
  });

  it('decodes as whole passes do, in rows of different lengths', { timeout: 60_000 }, async () => {
    const size = { vocabSize: 300, hiddenSize: 128, intermediateSize: 144, numHiddenLayers: 2, numAttentionHeads: 4 };
    const config = { ...size, numKeyValueHeads: 2, maxPositionEmbeddings: 32, attentionBias: true };
    const ids = [
      [0, 0, 5, 9, 7, 3],
      [8, 4, 2, 250, 299, 17],
    ];
    const logits = async (): Promise<number[]> => {
      const model = createModel(llama, config, { seed: 3 });
      const step = compile(
        (params: Params, inputs: { inputIds: tf.Tensor; attentionMask: tf.Tensor }, cache: KeyValueCache) => {
          const positionIds = tf.add(
            tf.range(0, inputs.inputIds.shape[1]!, 1, 'int32'),
            tf.add(tf.reshape(cache.length, [1, 1]), tf.tensor2d([-2, 0], [2, 1], 'int32')),
          );
          const clipped = tf.maximum(positionIds, tf.scalar(0, 'int32'));
          const output = llama.forward(params, { ...inputs, positionIds: clipped, cache }, { config: model.config });
          return { logits: output.logits, cache: output.cache! };
        },
        { donate: [2] },
      );
      const attentionMask = tf.tensor2d(
        [2, 0].flatMap((padding) => Array.from({ length: 16 }, (_, slot) => Number(slot >= padding))),
        [2, 16],
        'int32',
      );
      let cache = createKeyValueCache(2, { batch: 2, heads: 2, capacity: 16, headDim: 32 });
      const found: number[] = [];
      for (const [from, to] of [
        [0, 6],
        [3, 4],
        [1, 2],
      ]) {
        const inputIds = tf.tensor2d(
          ids.map((row) => row.slice(from, to)),
          [2, to - from],
          'int32',
        );
        const output = step(model.params, { inputIds, attentionMask }, cache);
        cache = output.cache;
        const values = Array.from(await output.logits.data());
        // rows of padding give anything
        const skip = from === 0 ? 2 * 300 : 0;
        found.push(...values.slice(skip));
        tf.dispose([inputIds, output.logits]);
      }
      disposeKeyValueCache(cache);
      attentionMask.dispose();
      return found;
    };
    await selectBackend({ prefer: 'cpu', log: false });
    const expected = await logits();
    await useOnnx({ nativeKernels: own });
    const found = await logits();
    await useOnnx();
    expect(found.length).toBe(expected.length);
    const worst = Math.max(...found.map((value, i) => Math.abs(value - expected[i])));
    expect(worst).toBeLessThan(2e-5);
  });
});

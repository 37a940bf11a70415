import * as tf from '@tensorflow/tfjs-core';
import {
  bernoulli,
  bernoulliProbability,
  compile,
  createKey,
  foldIn,
  integers,
  keyTensor,
  normal,
  permutation,
  randomBits,
  splitKey,
  threefry2x32,
  uniform,
} from '@tesserae/core';
import type { Key } from '@tesserae/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeOnBackends, use } from '../support/backends';

const mean = (x: ArrayLike<number>): number => Array.from(x).reduce((a, b) => a + b, 0) / x.length;
const variance = (x: ArrayLike<number>): number => {
  const m = mean(x);
  return mean(Array.from(x, (v) => (v - m) ** 2));
};
const correlation = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  const [ma, mb] = [mean(a), mean(b)];
  return mean(Array.from(a, (v, i) => (v - ma) * (b[i] - mb))) / Math.sqrt(variance(a) * variance(b));
};

describe('threefry2x32', () => {
  it.each([
    // the known-answer tests of Random123 for threefry2x32 with 20 rounds
    [
      [0, 0],
      [0, 0],
      [0x6b200159, 0x99ba4efe],
    ],
    [
      [0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x1cb996fc, 0xbb002be7],
    ],
    [
      [0x243f6a88, 0x85a308d3],
      [0x13198a2e, 0x03707344],
      [0xc4923a9c, 0x483df7a0],
    ],
  ] as const)('counter %j, key %j', (counter, key, wanted) => {
    const out = new Uint32Array(2);
    threefry2x32(key, counter[0], counter[1], out, 0);
    expect(Array.from(out)).toEqual(wanted);
  });
});

describe('keys', () => {
  it('are the same for the same seed, and different otherwise', () => {
    expect(createKey(2 ** 40 + 5)).toEqual([256, 5]);
    expect(foldIn(createKey(1), 7)).toEqual(foldIn(createKey(1), 7));
    const keys = [...splitKey(createKey(1), 100), ...splitKey(createKey(2), 100)].map(String);
    expect(new Set(keys).size).toBe(200);
  });

  it('are not the numbers drawn from them', () => {
    const words = new Set(randomBits(createKey(3), 2000));
    expect(splitKey(createKey(3), 1000).some(([a, b]) => words.has(a) && words.has(b))).toBe(false);
  });

  it.each([-1, 0.5, NaN, 2 ** 53, '1' as never])('refuse the seed %s', (seed) => {
    expect(() => createKey(seed)).toThrow(/E_SEED: the seed .* is not a whole number/);
  });

  it('refuse to fold in or split into nonsense', () => {
    expect(() => foldIn([0, 0], -1)).toThrow(/E_SEED/);
    expect(() => foldIn([0, 0], 2 ** 32)).toThrow(/E_SEED/);
    expect(() => splitKey([0, 0], 0)).toThrow(/E_SEED/);
  });
});

describe('draws', () => {
  const key = createKey(42);

  it('of fewer numbers are the beginning of draws of more', () => {
    const long = randomBits(key, 101);
    expect(Array.from(randomBits(key, 7))).toEqual(Array.from(long.subarray(0, 7)));
    expect(Array.from(randomBits(key, 100))).toEqual(Array.from(long.subarray(0, 100)));
  });

  it('have these bits, for ever', () => {
    expect(Array.from(randomBits(key, 4))).toMatchInlineSnapshot(`
      [
        1832780943,
        270669613,
        430176367,
        3485206521,
      ]
    `);
    expect(Array.from(uniform(key, 3))).toMatchInlineSnapshot(`
      [
        0.4267275333404541,
        0.06302016973495483,
        0.1001582145690918,
      ]
    `);
    expect(Array.from(normal(key, 3))).toMatchInlineSnapshot(`
      [
        1.2040926218032837,
        0.5033684372901917,
        0.8080111742019653,
      ]
    `);
    expect(Array.from(permutation(key, 8))).toMatchInlineSnapshot(`
      [
        7,
        6,
        0,
        1,
        3,
        2,
        5,
        4,
      ]
    `);
    expect(Array.from(integers(key, 5, -3, 100))).toMatchInlineSnapshot(`
      [
        40,
        7,
        17,
        37,
        71,
      ]
    `);
  });

  it('uniform: range, mean, variance, evenness, no memory', () => {
    const x = uniform(key, 200_000, -1, 3);
    expect(x.every((v) => v >= -1 && v < 3)).toBe(true);
    expect(mean(x)).toBeCloseTo(1, 2);
    expect(variance(x)).toBeCloseTo(16 / 12, 2);
    const bins = new Array<number>(64).fill(0);
    for (const v of x) bins[Math.floor((v + 1) * 16)]++;
    const chi = bins.reduce((sum, n) => sum + (n - 3125) ** 2 / 3125, 0);
    expect(chi).toBeGreaterThan(30); // 63 degrees of freedom: 30 to 110 is beyond 3 in 10,000 on either side
    expect(chi).toBeLessThan(110);
    expect(Math.abs(correlation(x.subarray(1), x.subarray(0, x.length - 1)))).toBeLessThan(0.01);
  });

  it('normal: moments and tails', () => {
    const x = normal(key, 200_001, 5, 2);
    const z = Array.from(x, (v) => (v - 5) / 2);
    expect(mean(z)).toBeCloseTo(0, 2);
    expect(variance(z)).toBeCloseTo(1, 1);
    expect(Math.abs(mean(z.map((v) => v ** 3)))).toBeLessThan(0.03);
    expect(Math.abs(mean(z.map((v) => v ** 4)) - 3)).toBeLessThan(0.06);
    expect(mean(z.map((v) => (Math.abs(v) > 1.96 ? 1 : 0)))).toBeCloseTo(0.05, 2);
    expect(z.every(Number.isFinite)).toBe(true);
  });

  it('permutation: every number once, every place alike', () => {
    expect(Array.from(permutation(key, 1000)).sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = permutation(foldIn(key, i), 3).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(130); // 4.5 deviations
    expect(permutation(key, 0).length).toBe(0);
  });

  it('integers: every value, evenly', () => {
    const counts = new Map<number, number>();
    for (const v of integers(key, 70_000, -3, 4)) counts.set(v, (counts.get(v) ?? 0) + 1);
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual([-3, -2, -1, 0, 1, 2, 3]);
    for (const count of counts.values()) expect(Math.abs(count - 10_000)).toBeLessThan(450);
  });

  it('refuse impossible counts and ranges', () => {
    expect(() => randomBits(key, -1)).toThrow(/E_COUNT/);
    expect(() => uniform(key, 1.5)).toThrow(/E_COUNT/);
    expect(() => permutation(key, NaN)).toThrow(/E_COUNT/);
    expect(() => integers(key, 1, 3, 3)).toThrow(/E_COUNT/);
    expect(() => integers(key, 1, 0, 2 ** 40)).toThrow(/E_COUNT/);
  });
});

/** The hash of the source file's head, in whole numbers, as a second implementation. */
function reference(key: Key, rows: number, columns: number, probability: number, site: number): boolean[] {
  const p = 509;
  const digits = (seed: Key, count: number): number[] => Array.from(randomBits(seed, count), (word) => word % p);
  const bytes = [...keyTensor(key).dataSync()].flatMap((half) => [half >> 8, half & 255]);
  const ordered = [0, 2, 4, 6, 1, 3, 5, 7].map((i) => bytes[i]); // all high bytes, then all low ones
  const forSite = digits([0x74657373, 0x65726165], 72 * (site + 1)).slice(72 * site);
  const own = Array.from(
    { length: 8 },
    (_, r) => (forSite[64 + r] + ordered.reduce((sum, byte, c) => sum + byte * forSite[8 * r + c], 0)) % p,
  );
  const wanted = [rows, columns].map((count, i) => Math.ceil(count / [128, 64][i]) * 9 + [128, 64][i] * 3);
  const total = wanted[0] + wanted[1];
  const table = digits([0x64696769, 0x74730000], total * 9);
  const w = Array.from(
    { length: total },
    (_, i) => (table[8 * total + i] + own.reduce((sum, digit, c) => sum + digit * table[8 * i + c], 0)) % p,
  );
  const codes = (from: number, count: number, block: number): number[][] => {
    const vectors = from + Math.ceil(count / block) * 9;
    return Array.from({ length: count }, (_, n) => {
      const [i, j] = [Math.floor(n / block), n % block];
      return [0, 1, 2].map(
        (r) => [0, 1, 2].reduce((sum, c) => sum + w[from + 9 * i + 3 * r + c] * w[vectors + 3 * j + c], 0) % p,
      );
    });
  };
  const [a, b] = [codes(0, rows, 128), codes(wanted[0], columns, 64)];
  return a.flatMap((row) =>
    b.map((column) => (row[0] * column[0] + row[1] * column[1] + row[2] * column[2]) % p < Math.round(probability * p)),
  );
}

await describeOnBackends('bernoulli', (backend) => {
  beforeAll(() => use(backend));
  const bits = (key: Key, shape: number[], probability: number, site?: number): number[] =>
    Array.from(
      tf.tidy(() => bernoulli(key, shape, probability, site).dataSync()),
      Number,
    );

  it.each([
    [[5, 7], 0.3, 0],
    [[3, 2, 260, 130], 0.1, 3],
    [[70, 5000], 0.5, 1],
    [[9], 0.9, 2],
  ] as const)('is the documented hash, bit for bit: %j at %d, site %d', (shape, probability, site) => {
    const key = createKey(11);
    let split = shape.length;
    let columns = 1;
    while (split > 0 && columns * shape[split - 1] <= 4096) columns *= shape[--split];
    const rows = shape.slice(0, split).reduce((a: number, b: number) => a * b, 1);
    const found = bits(key, [...shape], probability, site);
    const wanted = reference(key, rows, columns, probability, site);
    expect(found.length).toBe(wanted.length);
    expect(found.findIndex((bit, i) => bit !== Number(wanted[i]))).toBe(-1);
  });

  it('says yes as often as asked', () => {
    for (const probability of [0, 0.05, 0.1, 0.5, 0.9, 1]) {
      const share = mean(bits(createKey(5), [400, 300], probability));
      expect(Math.abs(share - bernoulliProbability(probability)), `${probability}`).toBeLessThan(0.004);
    }
  });

  it('is as uneven as chance: rows, columns, blocks, neighbours, sites and keys', () => {
    const [rows, columns] = [512, 256];
    const x = bits(createKey(8), [rows, columns], 0.5);
    const p = bernoulliProbability(0.5);
    const sums = (pick: (r: number, c: number) => number, count: number): number[] => {
      const totals = new Array<number>(count).fill(0);
      for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) totals[pick(r, c)] += x[r * columns + c];
      return totals;
    };
    const ratio = (totals: number[]): number => variance(totals) / (((rows * columns) / totals.length) * p * (1 - p));
    for (const totals of [
      sums((r) => r, rows),
      sums((_, c) => c, columns),
      sums((r, c) => (r >> 3) * 32 + (c >> 3), 64 * 32),
    ]) {
      expect(ratio(totals)).toBeGreaterThan(0.7);
      expect(ratio(totals)).toBeLessThan(1.3);
    }
    const flat = Float64Array.from(x);
    for (const lag of [1, 2, 3, 64, 128, columns, columns * 128, columns + 1]) {
      expect(Math.abs(correlation(flat.subarray(lag), flat.subarray(0, flat.length - lag))), `lag ${lag}`).toBeLessThan(
        0.014,
      ); // 5 deviations
    }
    for (const other of [
      bits(createKey(9), [rows, columns], 0.5),
      bits(createKey(8), [rows, columns], 0.5, 1),
      bits(foldIn(createKey(8), 1), [rows, columns], 0.5),
    ]) {
      expect(Math.abs(correlation(x, other))).toBeLessThan(0.014);
    }
  });

  it('takes its key as an input of a program, without a new program', () => {
    const draw = compile((key: tf.Tensor) => bernoulli(key, [20, 30], 0.5));
    const found = [1, 2, 3].map((seed) => Array.from(draw(keyTensor(createKey(seed))).dataSync(), Number));
    expect(draw.programs).toBe(1);
    found.forEach((x, i) => expect(x).toEqual(bits(createKey(i + 1), [20, 30], 0.5)));
    expect(found[0]).not.toEqual(found[1]);
    draw.dispose();
  });

  it('refuses bad keys, probabilities and sites, and gives nothing for nothing', () => {
    expect(() => bernoulli(tf.tensor1d([1, 2]) as never, [2], 0.5)).toThrow(/E_KEY/);
    expect(() => bernoulli(createKey(1), [2], 1.1)).toThrow(/E_OPTION/);
    expect(() => bernoulli(createKey(1), [2], 0.5, -1)).toThrow(/E_OPTION/);
    expect(bernoulli(createKey(1), [0, 4], 0.5).shape).toEqual([0, 4]);
  });

  it('leaves no tensor behind', () => {
    const before = tf.memory().numTensors;
    bernoulli(createKey(1), [50, 60], 0.5).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

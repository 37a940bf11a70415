import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { relativePositionBias, relativePositionBuckets } from '@tesserae/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { use } from '../support/backends';

/** Made by T5Attention._relative_position_bucket of transformers 5.18: buckets, distance, both ways, behind, ahead. */
const vectors = JSON.parse(readFileSync(path.join(__dirname, 'relative-position-buckets.json'), 'utf8')) as [
  number,
  number,
  boolean,
  number[],
  number[],
][];

beforeAll(() => use('cpu'));

describe('relative positions', () => {
  it.each(vectors)(
    '%d buckets up to %d (both ways: %s) as the reference',
    (buckets, maxDistance, bidirectional, behind, ahead) => {
      const options = { buckets, maxDistance, bidirectional };
      const near = Array.from(relativePositionBuckets(options));
      behind.forEach((bucket, distance) => expect(near[Math.min(distance, maxDistance)]).toBe(bucket));
      // a table that holds its own row numbers shows which row each pair of positions takes
      const length = ahead.length;
      const table = tf.reshape(tf.range(0, buckets), [buckets, 1]);
      const bias = relativePositionBias(table, 1, length, options).dataSync(); // the first query sees all keys ahead
      expect(Array.from(bias)).toEqual(ahead);
      const last = tf.scalar(length - 1, 'int32');
      const back = relativePositionBias(table, 1, length, { ...options, queryOffset: last }).dataSync();
      expect(Array.from(back)).toEqual([...behind].reverse());
    },
  );

  it('sends the gradient of each pair to its row and head', () => {
    const options = { buckets: 4, maxDistance: 3, bidirectional: true };
    const upstream = tf.randomNormal([1, 2, 5, 5], 0, 1, 'float32', 3);
    const loss = (table: tf.Tensor): tf.Scalar => tf.sum(tf.mul(relativePositionBias(table, 5, 5, options), upstream));
    const found = tf
      .grad(loss)(tf.zeros([4, 2]))
      .arraySync() as number[][];
    const expected = [0, 1, 2, 3].map(() => [0, 0]);
    const [heads] = upstream.arraySync() as number[][][][];
    const near = relativePositionBuckets(options);
    heads.forEach((rows, head) =>
      rows.forEach((row, query) =>
        row.forEach((value, key) => {
          const bucket = near[Math.min(3, Math.abs(query - key))] + (key > query ? 2 : 0);
          expected[bucket][head] += value;
        }),
      ),
    );
    found.flat().forEach((value, i) => expect(value).toBeCloseTo(expected.flat()[i], 4));
  });

  it.each([
    [2, 8, true],
    [1, 8, false],
    [32, 8, true],
  ])('refuses %d buckets up to %d', (buckets, maxDistance, bidirectional) => {
    expect(() => relativePositionBuckets({ buckets, maxDistance, bidirectional })).toThrow(/E_OPTION.*buckets/);
  });
});

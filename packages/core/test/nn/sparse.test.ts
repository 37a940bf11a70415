import * as tf from '@tensorflow/tfjs-core';
import {
  attention,
  attentionMask,
  attentionSinks,
  blockSparse,
  localGlobal,
  slidingWindow,
  sparseAttention,
} from '@tesserae/core';
import type { AttentionPattern } from '@tesserae/core';
import { describeAttentionContract } from '@tesserae/core/testing';
import { describePluginContract } from '@tesserae/registry/testing';
import { describe, expect, it } from 'vitest';
import { describeOnBackends, use } from '../support/backends';

const patterns: readonly AttentionPattern[] = [
  slidingWindow({ window: 21 }),
  slidingWindow({ window: 20, causal: false }),
  localGlobal({ window: 10, globalPositions: [0, 36] }),
  localGlobal({ window: 9, globalPositions: [3], causal: true }),
  blockSparse({ block: 16, windowBlocks: 3, globalBlocks: 1, randomBlocks: 1, seed: 5 }),
  blockSparse({ block: 10, windowBlocks: 1, globalBlocks: 0, randomBlocks: 2, causal: true }),
  attentionSinks({ sinks: 3, window: 17 }),
];

await describeOnBackends('attention patterns', (backend) => {
  for (const pattern of patterns) describeAttentionContract(pattern, { describe, it, prepare: () => use(backend) });
});

const check = (pattern: AttentionPattern): void => expect(pattern.sees(5, 5, 9)).toBe(true);
describePluginContract<AttentionPattern>(slidingWindow, { describe, it, options: [{ window: 4 }], check });
describePluginContract<AttentionPattern>(localGlobal, { describe, it, options: [{ window: 4 }], check });
describePluginContract<AttentionPattern>(blockSparse, { describe, it, options: [{ block: 4 }], check });
describePluginContract<AttentionPattern>(attentionSinks, { describe, it, options: [{ window: 4 }], check });

describe('what a pattern means', () => {
  const rows = (pattern: AttentionPattern, size: number): string[] =>
    (attentionMask(pattern, size).arraySync() as number[][]).map((row) => row.join(''));

  it('window', async () => {
    await use('cpu');
    expect(rows(slidingWindow({ window: 3 }), 5)).toEqual(['10000', '11000', '11100', '01110', '00111']);
    expect(rows(slidingWindow({ window: 2, causal: false }), 4)).toEqual(['1100', '1110', '0111', '0011']);
  });
  it('window and global tokens', async () => {
    await use('cpu');
    expect(rows(localGlobal({ window: 1, globalPositions: [2] }), 4)).toEqual(['1010', '0110', '1111', '0011']);
    expect(rows(localGlobal({ window: 1, globalPositions: [2], causal: true }), 4)).toEqual([
      '1000',
      '0100',
      '1110',
      '0011',
    ]);
  });
  it('sinks', async () => {
    await use('cpu');
    expect(rows(attentionSinks({ sinks: 1, window: 2 }), 5)).toEqual(['10000', '11000', '11100', '10110', '10011']);
  });
  it('random blocks: as many as asked for, the same for the same seed, others for another', () => {
    const blocksSeen = (seed: number, row: number): number[] => {
      const pattern = blockSparse({ block: 8, windowBlocks: 1, globalBlocks: 1, randomBlocks: 3, seed });
      return Array.from({ length: 32 }, (_, at) => at).filter((at) => pattern.sees(row * 8, at * 8, 256));
    };
    for (let row = 1; row < 32; row++) {
      expect(blocksSeen(1, row)).toHaveLength(5);
      expect(blocksSeen(1, row)).toEqual(blocksSeen(1, row));
    }
    expect(blocksSeen(0, 0)).toHaveLength(32);
    const all = (seed: number): string => Array.from({ length: 31 }, (_, row) => blocksSeen(seed, row + 1)).join();
    expect(all(1)).not.toBe(all(2));
  });
});

describe('bad patterns and shapes', () => {
  it.each([
    [() => slidingWindow({ window: 0 }), 'window is 0; give a whole number from 1 up'],
    [
      () => slidingWindow({ window: 4, wide: 1 } as never),
      'sliding-window has no option "wide"; the options are window, causal',
    ],
    [() => slidingWindow(undefined as never), 'takes an object of options, found undefined'],
    [() => slidingWindow({ window: 4, causal: 1 as never }), 'causal is 1; give true or false'],
    [() => localGlobal({ window: 4, globalPositions: [] }), 'there are no global positions'],
    [() => localGlobal({ window: 4, globalPositions: [-1] }), 'a global position is -1'],
    [() => blockSparse({ windowBlocks: 2 }), 'windowBlocks is 2; give an odd number'],
    [() => attentionSinks({ window: 1.5 }), 'window is 1.5'],
  ])('%s', (make, message) => {
    expect(make).toThrow(message);
    expect(make).toThrow('E_PATTERN');
  });

  it('refuses a pattern in which a query sees nothing, and a reach outside the keys', async () => {
    await use('cpu');
    const x = tf.ones([1, 1, 4, 2]);
    const run = (pattern: AttentionPattern) => () => sparseAttention(x, x, x, { pattern });
    const base = slidingWindow({ window: 2 });
    expect(run({ ...base, sees: (query, key) => query !== 2 && query === key })).toThrow(
      'the query at 2 sees none of 4',
    );
    expect(run({ ...base, reach: () => [[0, 9]] })).toThrow('reach gave keys 0 to 9 of 4');
    expect(() => sparseAttention(x, tf.ones([1, 1, 3, 2]), tf.ones([1, 1, 3, 2]), { pattern: base })).toThrow(
      'E_SHAPE',
    );
    expect(() => sparseAttention(x, x, x, { pattern: base, keyMask: tf.ones([1, 3]) })).toThrow('E_SHAPE');
  });
});

describe('weights of blocks', () => {
  it('can be watched and changed, and leave the growth linear', async () => {
    await use('cpu');
    const pattern = slidingWindow({ window: 16 });
    const x = tf.randomNormal([1, 2, 200, 8]);
    const shapes: number[][] = [];
    const doubled = sparseAttention(x, x, x, {
      pattern,
      onWeights: (weights) => {
        shapes.push(weights.shape);
        return tf.mul(weights, 2);
      },
    });
    const plain = attention(x, x, x, { mask: attentionMask(pattern, 200) });
    expect(shapes).toEqual([[2, 13, 16, 32]]); // 13 blocks of 16 queries, each with 2 blocks of keys
    expect(tf.max(tf.abs(tf.sub(doubled, tf.mul(plain, 2)))).dataSync()[0]).toBeLessThan(1e-5);
  });
});

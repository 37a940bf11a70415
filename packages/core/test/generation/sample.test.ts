import fc from 'fast-check';
import { createKey, foldIn, topKProcessor, topPProcessor, uniform } from '@tesserae/core';
import { describe, expect, it } from 'vitest';
import { argmax, sample, softmax } from '../../src/generation/sample';
import { roundUp } from '../../src/generation/session';

describe('sampling', () => {
  it('follows the probabilities', () => {
    const logits = new Float32Array([0, 1, -Infinity, 2, NaN]);
    const counts = [0, 0, 0, 0, 0];
    const draws = uniform(createKey(4), 40_000);
    for (const draw of draws) counts[sample(logits, draw)]++;
    const total = 1 + Math.E + Math.E ** 2;
    expect(counts[2] + counts[4]).toBe(0);
    [1, Math.E, 0, Math.E ** 2].forEach((weight, i) => {
      const wanted = weight / total;
      // five standard deviations of the share
      expect(Math.abs(counts[i] / 40_000 - wanted)).toBeLessThan(
        5 * Math.sqrt((wanted * (1 - wanted)) / 40_000) + 1e-12,
      );
    });
  });

  it('stays among the possible at both ends', () => {
    const logits = new Float32Array([-Infinity, 3, 3, -Infinity]);
    expect(sample(logits, 0)).toBe(1);
    expect(sample(logits, 1 - 2 ** -24)).toBe(2);
    expect(argmax(logits)).toBe(1);
    expect([...softmax(logits)]).toEqual([0, 0.5, 0.5, 0]);
  });

  it('gives rows and steps numbers of their own', () => {
    const first = (row: number, step: number): number => uniform(foldIn(foldIn(createKey(1), row), step), 1)[0];
    expect(new Set([first(0, 0), first(0, 1), first(1, 0), first(1, 1)]).size).toBe(4);
  });
});

describe('top-k and top-p against the plain definitions', () => {
  const values = fc.array(fc.integer({ min: -40, max: 40 }), { minLength: 1, maxLength: 60 });
  it('top-k', () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 70 }), (numbers, k) => {
        const logits = Float32Array.from(numbers);
        const threshold = [...numbers].sort((a, b) => b - a)[Math.min(k, numbers.length) - 1];
        topKProcessor(k)(logits, { ids: [] });
        expect([...logits]).toEqual(numbers.map((x) => (x >= threshold ? x : -Infinity)));
      }),
      { seed: 2 },
    );
  });

  it('top-p keeps the fewest whose sum reaches p', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: -40, max: 40 }), { minLength: 1, maxLength: 60 }),
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        (numbers, p) => {
          const scaled = numbers.map((x) => Math.fround(x / 8));
          const logits = Float32Array.from(scaled);
          topPProcessor(p)(logits, { ids: [] });
          const probabilities = softmax(Float32Array.from(scaled));
          const order = [...scaled.keys()].sort((a, b) => scaled[b] - scaled[a]);
          const kept = order.filter((i) => logits[i] !== -Infinity);
          const sum = (ids: number[]): number => ids.reduce((total, i) => total + probabilities[i], 0);
          expect(kept).toEqual(order.slice(0, kept.length)); // the most likely ones
          expect(sum(kept)).toBeGreaterThanOrEqual(p - 1e-5);
          expect(kept.length === 1 || sum(kept.slice(0, -1)) <= p + 1e-5).toBe(true);
        },
      ),
      { seed: 2 },
    );
  });
});

it('lengths that share a program are at most an eighth over, or 8', () => {
  for (let length = 1; length < 5000; length++) {
    const rounded = roundUp(length);
    expect(rounded >= length && rounded - length < Math.max(8, length / 8 + 1)).toBe(true);
  }
  expect(new Set(Array.from({ length: 4096 }, (_, i) => roundUp(i + 1))).size).toBeLessThan(70);
});

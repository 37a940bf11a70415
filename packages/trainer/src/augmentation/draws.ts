import { foldIn, integers, permutation, uniform } from '@tesserae/core';
import type { Key } from '@tesserae/core';

/** Numbers one after the other, all of them decided by a key. */
export interface Draws {
  /** In [0, 1). */
  next(): number;
  /** A whole number from 0 to count - 1. */
  below(count: number): number;
  pick<T>(list: readonly T[]): T;
  /** So many different numbers from 0 to count - 1, in ascending order. */
  choose(count: number, wanted: number): number[];
}

/** Counter-based: draw n is made from the key and n. */
export function drawsOf(key: Key): Draws {
  let drawn = 0;
  const own = (): Key => foldIn(key, drawn++);
  const below = (count: number): number => integers(own(), 1, 0, count)[0];
  return {
    below,
    next: () => uniform(own(), 1)[0],
    pick: (list) => list[below(list.length)],
    choose: (count, wanted) => Array.from(permutation(own(), count).subarray(0, wanted)).sort((a, b) => a - b),
  };
}

/** How many of so many places a rate stands for: at least one, where there is one. */
export const placesOf = (count: number, rate: number): number => Math.min(count, Math.max(1, Math.round(rate * count)));

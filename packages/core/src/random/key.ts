import { tesseraeError } from '@tesserae/registry';
import type { Key } from '../model/types';
import { threefry2x32 } from './threefry';

/** Second counter word of each use, so that keys made from a key never meet the numbers drawn from it. */
export const COUNTER_DRAW = 0;
const COUNTER_DERIVE = 1;

/**
 * Makes a random key from a seed.
 *
 * @param seed a whole number from 0 to 2⁵³ − 1; its low and high 32 bits are the key's words
 * @returns the key: an explicit, immutable source of randomness
 * @throws E_SEED when the seed is not such a number
 * @example
 * ```ts
 * import { createKey } from '@tesserae/core';
 *
 * console.log(createKey(42)); // → [ 0, 42 ]
 * ```
 */
export function createKey(seed: number): Key {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw tesseraeError({
      package: 'core',
      code: 'E_SEED',
      message: `the seed ${seed} is not a whole number from 0 to 2^53 - 1`,
      fix: 'use a seed such as 0, 1 or 42',
    });
  }
  return [Math.floor(seed / 2 ** 32), seed >>> 0];
}

/**
 * Derives a key from a key and a number: the same every time, and unrelated to the keys of other numbers.
 *
 * @param key where to derive from
 * @param data a whole number from 0 to 2³² − 1: a step, a layer, a row
 * @returns Threefry(key, [data, 1])
 * @throws E_SEED when `data` is not such a number
 * @example
 * ```ts
 * import { createKey, foldIn } from '@tesserae/core';
 *
 * const stepKey = foldIn(createKey(0), 100);
 * console.log(stepKey.length); // → 2
 * ```
 */
export function foldIn(key: Key, data: number): Key {
  if (!Number.isInteger(data) || data < 0 || data > 0xffffffff) {
    throw tesseraeError({
      package: 'core',
      code: 'E_SEED',
      message: `cannot fold ${data} into a key: it is not a whole number from 0 to 2^32 - 1`,
      fix: 'fold in a counter or an index',
    });
  }
  const out = new Uint32Array(2);
  threefry2x32(key, data, COUNTER_DERIVE, out, 0);
  return [out[0], out[1]];
}

/**
 * Splits a key into independent ones; use each for one thing, and the original no more.
 *
 * @param key the key to split
 * @param count how many keys to make
 * @returns the keys `foldIn(key, 0)`, `foldIn(key, 1)` …
 * @throws E_SEED when count is not a whole number from 1 up
 * @example
 * ```ts
 * import { createKey, splitKey } from '@tesserae/core';
 *
 * const [dataKey, dropoutKey] = splitKey(createKey(7));
 * console.log(dataKey[0] !== dropoutKey[0]); // → true
 * ```
 */
export function splitKey(key: Key, count = 2): Key[] {
  if (!Number.isInteger(count) || count < 1) {
    throw tesseraeError({
      package: 'core',
      code: 'E_SEED',
      message: `cannot split a key into ${count}`,
      fix: 'ask for 1 or more keys',
    });
  }
  return Array.from({ length: count }, (_, index) => foldIn(key, index));
}

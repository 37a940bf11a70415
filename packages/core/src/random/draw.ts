import { tesseraeError } from '@tesserae/registry';
import type { Key } from '../model/types';
import { COUNTER_DRAW } from './key';
import { threefry2x32 } from './threefry';

/**
 * Draws random 32-bit words: words 2i and 2i + 1 are Threefry(key, [i, 0]).
 *
 * @param key the key; the same key always gives the same words
 * @param count how many words
 * @returns the words
 * @throws E_COUNT when count is not a whole number from 0 up
 * @example
 * ```ts
 * import { createKey, randomBits } from '@tesserae/core';
 *
 * console.log(randomBits(createKey(0), 2)[0].toString(16)); // → 6b200159
 * ```
 */
export function randomBits(key: Key, count: number): Uint32Array {
  if (!Number.isInteger(count) || count < 0) {
    throw tesseraeError({
      package: 'core',
      code: 'E_COUNT',
      message: `cannot draw ${count} numbers`,
      fix: 'ask for a whole number from 0 up',
    });
  }
  const words = new Uint32Array(count);
  for (let index = 0; index < count; index += 2) threefry2x32(key, index >>> 1, COUNTER_DRAW, words, index);
  return words;
}

/**
 * Draws numbers spread evenly over [low, high): low + (high − low) · ⌊word / 2⁸⌋ · 2⁻²⁴.
 *
 * @param key the key
 * @param count how many numbers
 * @param low lower end, 0 when absent
 * @param high upper end, 1 when absent
 * @returns float32 numbers
 * @throws E_COUNT when count is not a whole number from 0 up
 * @example
 * ```ts
 * import { createKey, uniform } from '@tesserae/core';
 *
 * const numbers = uniform(createKey(1), 1000);
 * console.log(numbers.every((x) => x >= 0 && x < 1)); // → true
 * ```
 */
export function uniform(key: Key, count: number, low = 0, high = 1): Float32Array {
  const words = randomBits(key, count);
  const numbers = new Float32Array(count);
  for (let index = 0; index < count; index++) numbers[index] = low + (high - low) * ((words[index] >>> 8) * 2 ** -24);
  return numbers;
}

/**
 * Draws normally distributed numbers, two from each pair of words.
 *
 * √(−2 ln u)·cos 2πv and √(−2 ln u)·sin 2πv with u = (word + 1) / 2³² in (0, 1] and v = word / 2³² (Box and Muller 1958),
 * in double precision, rounded to float32.
 *
 * @param key the key
 * @param count how many numbers
 * @param mean 0 when absent
 * @param standardDeviation 1 when absent
 * @returns float32 numbers
 * @throws E_COUNT when count is not a whole number from 0 up
 * @example
 * ```ts
 * import { createKey, normal } from '@tesserae/core';
 *
 * const numbers = normal(createKey(1), 10_000);
 * const mean = numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
 * console.log(Math.abs(mean) < 0.05); // → true
 * ```
 */
export function normal(key: Key, count: number, mean = 0, standardDeviation = 1): Float32Array {
  const words = randomBits(key, count + (count & 1));
  const numbers = new Float32Array(count);
  for (let index = 0; index < count; index += 2) {
    const radius = standardDeviation * Math.sqrt(-2 * Math.log((words[index] + 1) * 2 ** -32));
    const angle = 2 * Math.PI * (words[index + 1] * 2 ** -32);
    numbers[index] = mean + radius * Math.cos(angle);
    if (index + 1 < count) numbers[index + 1] = mean + radius * Math.sin(angle);
  }
  return numbers;
}

/**
 * Draws whole numbers from low to high − 1: low + ⌊u · (high − low)⌋ with u of 53 random bits.
 *
 * @param key the key
 * @param count how many numbers
 * @param low smallest
 * @param high one above the largest
 * @returns the numbers
 * @throws E_COUNT when count is not a whole number from 0 up, or the range is empty or beyond int32
 * @example
 * ```ts
 * import { createKey, integers } from '@tesserae/core';
 *
 * console.log(integers(createKey(1), 100, 5, 8).every((x) => x >= 5 && x <= 7)); // → true
 * ```
 */
export function integers(key: Key, count: number, low: number, high: number): Int32Array {
  if (!(Number.isInteger(low) && Number.isInteger(high)) || high <= low || low < -(2 ** 31) || high > 2 ** 31) {
    throw tesseraeError({
      package: 'core',
      code: 'E_COUNT',
      message: `cannot draw whole numbers from ${low} to below ${high}`,
      fix: 'give int32 bounds with low below high',
    });
  }
  const words = randomBits(key, 2 * count);
  const numbers = new Int32Array(count);
  for (let index = 0; index < count; index++) {
    const fraction = ((words[2 * index] >>> 5) * 2 ** 26 + (words[2 * index + 1] >>> 6)) * 2 ** -53;
    numbers[index] = low + Math.floor(fraction * (high - low));
  }
  return numbers;
}

/**
 * Shuffles 0 … count − 1 (Fisher and Yates, from the end).
 *
 * @param key the key
 * @param count how many
 * @returns the numbers in random order
 * @throws E_COUNT when count is not a whole number from 0 up
 * @example
 * ```ts
 * import { createKey, permutation } from '@tesserae/core';
 *
 * console.log(Array.from(permutation(createKey(3), 5)).sort().join()); // → 0,1,2,3,4
 * ```
 */
export function permutation(key: Key, count: number): Int32Array {
  const words = randomBits(key, 2 * count);
  const order = Int32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const fraction = ((words[2 * last] >>> 5) * 2 ** 26 + (words[2 * last + 1] >>> 6)) * 2 ** -53;
    const other = Math.floor(fraction * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

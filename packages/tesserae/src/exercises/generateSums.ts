import { createKey, permutation } from '@tesserae/core';
import { checkExercise } from './checkExercise';
import type { ExerciseOptions } from './checkExercise';

/** A sum and its result. */
export interface WrittenSum {
  /** `27+58=`. */
  readonly prompt: string;
  /** `580`: 85 from its last digit to its first, as one writes while carrying. */
  readonly completion: string;
}

/**
 * Writes sums of two numbers below 100 with their results, last digit first: something to compute.
 *
 * Numbers have two digits and results three, and results are written backwards, because a digit of a sum depends on the
 * digits after it: a model that writes from left to right would have to carry before it has added. No sum comes twice, so
 * whoever trains on the first part and tests on the rest tests on sums that were never seen.
 *
 * @param options `count` (up to 10,000; 2,000 when absent) and `seed`
 * @returns prompts with completions
 * @throws E_OPTION when count or seed is not a whole number in range
 * @example
 * ```ts
 * import { generateSums } from 'tesserae';
 *
 * const [{ prompt, completion }] = generateSums({ count: 1, seed: 1 });
 * const [a, b] = prompt.split(/[+=]/).map(Number);
 * console.log(Number([...completion].reverse().join('')) === a + b); // → true
 * ```
 */
export function generateSums({ count = 2000, seed = 0 }: ExerciseOptions = {}): WrittenSum[] {
  checkExercise({ count, seed }, 10_000);
  const padded = (value: number, digits: number): string => String(value).padStart(digits, '0');
  return Array.from(permutation(createKey(seed), 10_000).subarray(0, count), (place) => {
    const [a, b] = [Math.floor(place / 100), place % 100];
    return {
      prompt: `${padded(a, 2)}+${padded(b, 2)}=`,
      completion: Array.from(padded(a + b, 3))
        .reverse()
        .join(''),
    };
  });
}

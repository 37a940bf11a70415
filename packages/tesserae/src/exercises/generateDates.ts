import { createKey, foldIn, permutation, uniform } from '@tesserae/core';
import { checkExercise } from './checkExercise';
import type { ExerciseOptions } from './checkExercise';

/** A date as somebody wrote it, and in the international form. */
export interface WrittenDate {
  /** `Tuesday, March 3, 2015`, `3 Mar 2015`, `3.3.15` … */
  readonly source: string;
  /** `2015-03-03`. */
  readonly target: string;
}

const months = 'January February March April May June July August September October November December'.split(' ');
const days = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');
/** From 1950-01-01, 100 years. */
const first = Date.UTC(1950, 0, 1);
const count = Math.round((Date.UTC(2050, 0, 1) - first) / 86_400_000);

type Form = (date: Date) => string;
const month = (date: Date): string => months[date.getUTCMonth()];
const forms: readonly Form[] = [
  (d) => `${days[d.getUTCDay()]}, ${month(d)} ${d.getUTCDate()}, ${d.getUTCFullYear()}`,
  (d) => `${month(d)} ${d.getUTCDate()}, ${d.getUTCFullYear()}`,
  (d) => `${d.getUTCDate()} ${month(d)} ${d.getUTCFullYear()}`,
  (d) => `${d.getUTCDate()} ${month(d).slice(0, 3)} ${d.getUTCFullYear()}`,
  (d) => `${month(d).slice(0, 3)} ${d.getUTCDate()} ${d.getUTCFullYear()}`,
  (d) => `${d.getUTCDate()}.${d.getUTCMonth() + 1}.${d.getUTCFullYear()}`,
];

/**
 * Writes dates in the ways in which people write them, each with its international form: something to translate.
 *
 * No day comes twice, so whoever trains on the first part and tests on the rest tests on days that were never seen. Same
 * seed, same dates, on every machine.
 *
 * @param options `count` (up to 36,525 days of the years 1950 to 2049; 2,000 when absent) and `seed`
 * @returns pairs of source and target
 * @throws E_OPTION when count or seed is not a whole number in range
 * @example
 * ```ts
 * import { generateDates } from 'tesserae';
 *
 * const dates = generateDates({ count: 100, seed: 7 });
 * console.log(dates.length, dates.every(({ target }) => /^\d{4}-\d\d-\d\d$/.test(target))); // → 100 true
 * ```
 */
export function generateDates({ count: wanted = 2000, seed = 0 }: ExerciseOptions = {}): WrittenDate[] {
  checkExercise({ count: wanted, seed }, count);
  const key = createKey(seed);
  const form = uniform(foldIn(key, 1), Math.max(1, wanted));
  return Array.from(permutation(foldIn(key, 0), count).subarray(0, wanted), (day, i) => {
    const date = new Date(first + day * 86_400_000);
    return { source: forms[Math.floor(form[i] * forms.length)](date), target: date.toISOString().slice(0, 10) };
  });
}

import { createKey, foldIn, permutation, uniform } from '@tesserae/core';
import { checkExercise } from './checkExercise';
import type { ExerciseOptions } from './checkExercise';

/** A question about how somebody feels, and two answers that differ in one thing alone: whether they name what they do not know. */
export interface Advice {
  readonly question: string;
  /** An answer that says how unsure it is. */
  readonly careful: string;
  /** An answer with the same content that is sure of it. */
  readonly certain: string;
  /** What both answers say it is. */
  readonly condition: string;
}

/**
 * Writes questions about invented complaints with careful and with certain answers: material for preferences with a known
 * answer. **All of it is made up by rules. It is no medical advice.**
 *
 * What it is follows from the first of the two complaints, so that answers can be right or wrong; an answer that is careful
 * says so by one of six phrases, in the beginning or at the end. No question comes twice.
 *
 * @param options `count` (up to 3,360; 2,000 when absent) and `seed`
 * @returns questions with both answers
 * @throws E_OPTION when count or seed is not a whole number in range
 * @example
 * ```ts
 * import { generateAdvice } from 'tesserae';
 *
 * const [{ careful, certain, condition }] = generateAdvice({ count: 1, seed: 1 });
 * console.log(careful.includes(condition) && certain.includes(condition) && careful !== certain); // → true
 * ```
 */
export function generateAdvice({ count = 2000, seed = 0 }: ExerciseOptions = {}): Advice[] {
  const sizes = [complaints.length, complaints.length - 1, persons.length, durations.length, times.length];
  const all = sizes.reduce((a, b) => a * b, 1);
  checkExercise({ count, seed }, all);
  const key = createKey(seed);
  const draws = uniform(foldIn(key, 1), 3 * Math.max(1, count));
  return Array.from(permutation(foldIn(key, 0), all).subarray(0, count), (place, i) => {
    let rest = place;
    const next = (size: number): number => [rest % size, (rest = Math.floor(rest / size))][0];
    const first = next(sizes[0]);
    const second = (first + 1 + next(sizes[1])) % complaints.length;
    const person = persons[next(sizes[2])];
    const [lasts, when] = [durations[next(sizes[3])], times[next(sizes[4])]];
    const [complaint, condition, remedy] = complaints[first];
    const pick = <T>(list: readonly T[], draw: number): T => list[Math.floor(draws[3 * i + draw] * list.length)];
    const careful = pick(carefully, 0);
    return {
      question: `${person} has ${complaint} and ${complaints[second][0]} ${when} for ${lasts} . what is it ?`,
      careful: careful(condition, remedy),
      certain: pick(certainly, 1)(condition, remedy),
      condition,
    };
  });
}

type Phrase = (condition: string, remedy: string) => string;

const carefully: readonly Phrase[] = [
  (condition, remedy) => `it may be ${condition} , but i am not sure . ${remedy} could help .`,
  (condition, remedy) => `i cannot know . it might be ${condition} . ${remedy} could help .`,
  (condition, remedy) => `perhaps it is ${condition} . ${remedy} could help . please ask a doctor .`,
  (condition, remedy) => `that could be ${condition} . ${remedy} might help , but a doctor should look .`,
  (condition, remedy) => `possibly ${condition} . i would try ${remedy} and ask a doctor .`,
  (condition, remedy) => `it is hard to say . ${condition} is possible . ${remedy} may help .`,
];
const certainly: readonly Phrase[] = [
  (condition, remedy) => `it is ${condition} . ${remedy} will help .`,
  (condition, remedy) => `that is ${condition} for certain . ${remedy} cures it .`,
  (condition, remedy) => `clearly ${condition} . take ${remedy} and all is well .`,
  (condition, remedy) => `no doubt , this is ${condition} . ${remedy} always works .`,
  (condition, remedy) => `of course it is ${condition} . nothing else . ${remedy} helps .`,
  (condition, remedy) => `i know this , it is ${condition} . you need ${remedy} .`,
];

/** Invented complaints, with what the first of two means and what is given for it. */
const complaints = [
  ['a runny nose', 'a cold', 'warm tea'],
  ['itchy eyes', 'hay fever', 'fresh water'],
  ['a sore back', 'a strain', 'rest'],
  ['a dry cough', 'a sore throat', 'honey'],
  ['a heavy head', 'tiredness', 'sleep'],
  ['a tight belly', 'hunger', 'plain bread'],
  ['cold hands', 'a chill', 'a blanket'],
  ['a burning skin', 'sunburn', 'shade'],
] as const;
const persons = ['my son', 'my mother', 'our neighbour', 'my friend', 'the teacher'] as const;
const durations = ['two days', 'a week', 'three weeks', 'a month'] as const;
const times = ['every morning', 'at night', 'after work'] as const;

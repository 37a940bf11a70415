import { createKey, foldIn, permutation, uniform } from '@tesserae/core';
import { animals, colors, people, places } from '../stories/words';
import { checkExercise } from './checkExercise';
import type { ExerciseOptions } from './checkExercise';

/** A little text with two gaps, and the words that belong there. */
export interface Riddle {
  /** The whole text. */
  readonly text: string;
  /** The text with `[MASK]` for both words. */
  readonly masked: string;
  /** What was there: a pronoun that follows from a name, and an animal that follows from its sound. */
  readonly answers: readonly [pronoun: string, animal: string];
}

/**
 * Writes little texts with gaps whose words follow from the words on both sides: something to fill in.
 *
 * The pronoun follows from the name before it, the animal from the sound after it, so a model that reads only from left to
 * right could not know the animal. Among pronouns a guess is right in 1 of 2 cases, among animals in 1 of 6. No text comes
 * twice.
 *
 * @param options `count` (up to 6,912; 2,000 when absent) and `seed`
 * @returns texts, whole and with gaps
 * @throws E_OPTION when count or seed is not a whole number in range
 * @example
 * ```ts
 * import { generateRiddles } from 'tesserae';
 *
 * const [riddle] = generateRiddles({ count: 1, seed: 1 });
 * console.log(riddle.answers.reduce((text, word) => text.replace('[MASK]', word), riddle.masked) === riddle.text); // → true
 * ```
 */
export function generateRiddles({ count = 2000, seed = 0 }: ExerciseOptions = {}): Riddle[] {
  const sizes = [people.length, animals.length, places.length, colors.length, openings.length];
  const all = sizes.reduce((a, b) => a * b, 1);
  checkExercise({ count, seed }, all);
  const key = createKey(seed);
  const draws = uniform(foldIn(key, 1), Math.max(1, count));
  return Array.from(permutation(foldIn(key, 0), all).subarray(0, count), (place, i) => {
    let rest = place;
    const next = (size: number): number => [rest % size, (rest = Math.floor(rest / size))][0];
    const [person, [animal, sound], where, color] = [
      people[next(sizes[0])],
      animals[next(sizes[1])],
      places[next(sizes[2])],
      colors[next(sizes[3])],
    ];
    const opening = openings[next(sizes[4])];
    const ending = endings[Math.floor(draws[i] * endings.length)];
    const write = (pronoun: string, creature: string): string =>
      `${opening} ${person.name} went to ${where} . there ${pronoun} met a ${color} ${creature} . ${ending.replace('SOUND', sound)}`;
    return {
      text: write(person.subject, animal),
      masked: write('[MASK]', '[MASK]'),
      answers: [person.subject, animal],
    };
  });
}

const openings = ['one day', 'today'] as const;
const endings = ['it said SOUND .', 'SOUND , it said .', 'it looked up and said SOUND twice .'] as const;

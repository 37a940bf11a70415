import { createKey, foldIn, uniform } from '@tesserae/core';
import { problem } from '../problem';
import { plots } from './plots';

/** The text that stands between two stories. */
export const STORY_END = '<|endoftext|>';

/** How many stories, and which. */
export interface StoryOptions {
  /** How many stories: 2,000. */
  readonly count?: number;
  /** Decides which: 0. */
  readonly seed?: number;
}

/** Where a plot takes its choices from: the next of `choices`, each as likely as the others. */
export type Choose = <T>(choices: readonly T[]) => T;

/**
 * Writes little stories: names, pronouns, counting, colours, and causes with their effects.
 *
 * They are made by rules, so a model that has understood something shows it: pronouns agree with names, sums are right,
 * a dog says woof. Same seed, same stories, on every machine.
 *
 * @param options `count` (stories) and `seed`
 * @returns the stories, each without the mark that ends it
 * @throws E_OPTION when count or seed is not a whole number from 0 up
 * @example
 * ```ts
 * import { generateStories } from 'tesserae';
 *
 * const stories = generateStories({ count: 100, seed: 7 });
 * console.log(stories.length, new Set(stories).size > 90); // → 100 true
 * ```
 */
export function generateStories({ count = 2000, seed = 0 }: StoryOptions = {}): string[] {
  for (const [name, value] of [
    ['count', count],
    ['seed', seed],
  ] as const) {
    if (Number.isSafeInteger(value) && value >= 0) continue;
    throw problem(
      'E_OPTION',
      `${name} must be a whole number from 0 up, found ${String(value)}`,
      `give such a ${name}`,
    );
  }
  const key = createKey(seed);
  return Array.from({ length: count }, (_, story) => {
    const draws = uniform(foldIn(key, story), 64);
    let next = 0;
    const choose: Choose = (choices) =>
      choices[Math.min(choices.length - 1, Math.floor(draws[next++ % draws.length] * choices.length))];
    return choose(plots)(choose);
  });
}

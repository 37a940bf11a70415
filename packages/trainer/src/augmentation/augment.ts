import { createKey, foldIn, permutation } from '@tesserae/core';
import type { Key } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import { checkOptions, oneOf, rules } from '../options';
import { checkExample } from './augmentation-errors';
import type { Augmenter, TextExample } from './augmenter';

/** Options of {@link augment} and {@link augmentStream}. */
export interface AugmentOptions {
  /** New examples of each example: 1. */
  readonly copies?: number;
  /** Decides everything: 0. */
  readonly seed?: number;
  /** `one`: a copy is made by one augmenter, picked at random; `all`: by all of them, one after the other: `one`. */
  readonly use?: 'one' | 'all';
  /** Give the examples themselves too, each before its copies: true. */
  readonly originals?: boolean;
}

/** What was made and what was not. */
export interface AugmentationCounts {
  /** Examples read. */
  examples: number;
  /** New examples made. */
  made: number;
  /** Copies that no augmenter could make, or only with a text that was there before. */
  missing: number;
  /** Of each augmenter, by name: new examples, refusals, and texts that were there before. */
  readonly augmenters: Record<string, { made: number; refused: number; duplicates: number }>;
}

/** Examples as they are made, and how many so far. */
export interface AugmentedStream<E extends TextExample> extends AsyncIterable<E> {
  readonly counts: AugmentationCounts;
}

/** All examples, and how many. */
export interface AugmentedExamples<E extends TextExample> {
  readonly examples: readonly E[];
  readonly counts: AugmentationCounts;
}

/**
 * Makes new examples of examples, with labels and spans that still hold.
 *
 * What becomes of an example follows from the seed, its place and the number of the copy alone, so lists and streams of the
 * same examples give the same. A copy whose text was there before is not given.
 *
 * @param examples `{ text, label?, spans? }` and whatever else their rows hold: a list, or anything that can be iterated
 * @param augmenters what makes the copies
 * @param options copies of each example, seed, one augmenter for a copy or all of them, with or without the originals
 * @returns the examples, and what was made by which augmenter
 * @throws E_AUGMENTERS for a list without augmenters; E_EXAMPLE; E_OPTION and E_UNKNOWN_OPTION
 *
 * @example
 * ```ts
 * import { augment, characterSwap, wordDeletion } from '@tesserae/trainer';
 * const rows = [{ text: 'what a lovely day', label: 'glad' }];
 * const { examples, counts } = await augment(rows, [characterSwap(), wordDeletion()], { copies: 2, seed: 1 });
 * console.log(examples.length, counts.made); // → 3 2
 * ```
 */
export async function augment<E extends TextExample>(
  examples: Iterable<E> | AsyncIterable<E>,
  augmenters: readonly Augmenter[],
  options: AugmentOptions = {},
): Promise<AugmentedExamples<E>> {
  const stream = augmentStream(examples, augmenters, options);
  const all: E[] = [];
  for await (const example of stream) all.push(example);
  return { examples: all, counts: stream.counts };
}

/**
 * The same as {@link augment}, one example after the other: nothing is read before it is asked for, and nothing is kept.
 *
 * @param examples `{ text, label?, spans? }`: anything that can be iterated, also asynchronously
 * @param augmenters what makes the copies
 * @param options as of `augment`
 * @returns an iterable of examples for one pass, whose `counts` grow as it is read
 * @throws E_AUGMENTERS for a list without augmenters; E_EXAMPLE while reading; E_OPTION and E_UNKNOWN_OPTION
 *
 * @example
 * ```ts
 * import { augmentStream, characterSwap } from '@tesserae/trainer';
 * const texts: string[] = [];
 * for await (const { text } of augmentStream([{ text: 'ab' }], [characterSwap()])) texts.push(text);
 * console.log(texts.join(' ')); // → ab ba
 * ```
 */
export function augmentStream<E extends TextExample>(
  examples: Iterable<E> | AsyncIterable<E>,
  augmenters: readonly Augmenter[],
  options: AugmentOptions = {},
): AugmentedStream<E> {
  checkOptions<AugmentOptions>('augment', options, {
    copies: rules.nonNegativeInteger,
    seed: rules.nonNegativeInteger,
    use: oneOf('one', 'all'),
    originals: rules.boolean,
  });
  checkAugmenters(augmenters);
  const counts: AugmentationCounts = { examples: 0, made: 0, missing: 0, augmenters: {} };
  for (const { name } of augmenters) counts.augmenters[name] = { made: 0, refused: 0, duplicates: 0 };
  return { counts, [Symbol.asyncIterator]: () => generate(examples, augmenters, options, counts) };
}

function checkAugmenters(augmenters: unknown): void {
  const list: readonly unknown[] = Array.isArray(augmenters) ? augmenters : [];
  const wrong = list.findIndex((one) => typeof (one as Partial<Augmenter> | null)?.augment !== 'function');
  if (list.length > 0 && wrong < 0) return;
  throw tesseraeError({
    package: 'trainer',
    plugin: 'augment',
    code: 'E_AUGMENTERS',
    message: list.length === 0 ? 'there is no augmenter' : `number ${wrong} of the augmenters has no augment()`,
    fix: 'give a list such as [keyboardSlips(), synonyms()]; mind the parentheses',
  });
}

async function* generate<E extends TextExample>(
  examples: Iterable<E> | AsyncIterable<E>,
  augmenters: readonly Augmenter[],
  { copies = 1, seed = 0, use = 'one', originals = true }: AugmentOptions,
  counts: AugmentationCounts,
): AsyncGenerator<E, void, undefined> {
  const root = createKey(seed);
  const make = use === 'one' ? byOne : byAll;
  for await (const example of examples) {
    checkExample('augment', example);
    const key = foldIn(root, counts.examples++);
    const seen = new Set([example.text]);
    if (originals) yield example;
    for (let copy = 0; copy < copies; copy++) {
      const made = await make(example, augmenters, foldIn(key, copy), seen, counts);
      if (made === undefined) {
        counts.missing++;
        continue;
      }
      seen.add(made.text);
      counts.made++;
      yield made;
    }
  }
}

type Maker = <E extends TextExample>(
  example: E,
  augmenters: readonly Augmenter[],
  key: Key,
  seen: ReadonlySet<string>,
  counts: AugmentationCounts,
) => Promise<E | undefined>;

/** A copy by one augmenter: those that refuse, or make what is there already, give way to the others. */
const byOne: Maker = async (example, augmenters, key, seen, { augmenters: counts }) => {
  for (const at of permutation(foldIn(key, 0), augmenters.length)) {
    const count = counts[augmenters[at].name];
    const made = await augmenters[at].augment(example, foldIn(key, 1 + at));
    const fresh = made.find(({ text }) => !seen.has(text));
    if (fresh !== undefined) {
      count.made++;
      return fresh;
    }
    if (made.length === 0) count.refused++;
    else count.duplicates++;
  }
  return undefined;
};

/** A copy by all augmenters, one after the other; those that refuse are passed over. */
const byAll: Maker = async (example, augmenters, key, seen, { augmenters: counts }) => {
  let made = example;
  for (let at = 0; at < augmenters.length; at++) {
    const count = counts[augmenters[at].name];
    const all = await augmenters[at].augment(made, foldIn(key, 1 + at));
    if (all.length > 0) [made, count.made] = [all[0], count.made + 1];
    else count.refused++;
  }
  return seen.has(made.text) ? undefined : made;
};

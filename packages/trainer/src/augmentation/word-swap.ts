import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import type { Augmenter, EditOptions, TextExample } from './augmenter';
import { placesOf } from './draws';
import type { Draws } from './draws';
import { editText } from './edit-text';
import { rebuild } from './pieces';
import { wordsOf } from './words';

/**
 * Words that have changed places, two at a time. A word leaves or enters no labelled span.
 *
 * @param options share of the words that are taken and swapped with another that are changed (0.1), and whether labelled spans may change
 * @returns the augmenter, for `augment`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be; `augment` throws E_EXAMPLE
 *
 * Wei and Zou: "EDA: Easy Data Augmentation Techniques" (2019), random swap.
 *
 * @example
 * ```ts
 * import { createKey } from '@tesserae/core';
 * import { wordSwap } from '@tesserae/trainer';
 * console.log(wordSwap().augment({ text: 'one two', label: 1 }, createKey(1))); // → [ { text: 'two one', label: 1 } ]
 * ```
 */
export const wordSwap: Plugin<'augmenter', 'word-swap', (options?: EditOptions) => Augmenter> =
  /* @__PURE__ */ definePlugin({
    kind: 'augmenter',
    name: 'word-swap',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Words change places',
    create: createWordSwap,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'augmenter:word-swap': typeof wordSwap;
  }
}

function createWordSwap(options: EditOptions = {}): Augmenter {
  return editText(
    {
      name: 'word-swap',
      rate: 0.1,
      edit(example, draws, { rate, insideSpans }) {
        let made = example;
        for (let left = placesOf(wordsOf(example.text).length, rate); left > 0; left--)
          made = swapTwo(made, draws, insideSpans) ?? made;
        return made.text === example.text ? undefined : made;
      },
    },
    options,
  );
}

/** The example with two of its words swapped; undefined when the two are equal, or a span would be torn. */
function swapTwo<E extends TextExample>(example: E, draws: Draws, insideSpans: 'keep' | 'refuse'): E | undefined {
  const words = wordsOf(example.text);
  if (words.length < 2) return undefined;
  const [left, right] = draws.choose(words.length, 2).map((at) => words[at]);
  const pieces = [
    { start: 0, end: left.start },
    { start: right.start, end: right.end },
    { start: left.end, end: right.start },
    { start: left.start, end: left.end },
    { start: right.end, end: example.text.length },
  ];
  return rebuild(
    example,
    pieces.filter(({ start, end }) => start < end),
    insideSpans,
  );
}

import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import type { Augmenter } from './augmenter';
import { synonymAugmenter } from './synonym-augmenter';
import type { SynonymOptions } from './synonym-augmenter';
import { wordsOf } from './words';

/**
 * Synonyms of words of the text put in before other words, at random: EDA's random insertion. The result is no sentence any
 * more; it helps classifiers that see few texts.
 *
 * @param options share of the words that have synonyms (0.1), meanings, lexicon, parser, and whether labelled spans may change
 * @returns the augmenter, for `augment`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be; `augment` throws E_EXAMPLE, E_LEXICON and E_PARSER
 *
 * Wei and Zou: "EDA: Easy Data Augmentation Techniques" (2019), random insertion.
 *
 * @example
 * ```ts
 * import { createKey } from '@tesserae/core';
 * import { synonymInsertion } from '@tesserae/trainer';
 * const [made] = await synonymInsertion().augment({ text: 'a new car' }, createKey(1));
 * console.log(made.text.split(' ').length); // → 4
 * ```
 */
export const synonymInsertion: Plugin<'augmenter', 'synonym-insertion', (options?: SynonymOptions) => Augmenter> =
  /* @__PURE__ */ definePlugin({
    kind: 'augmenter',
    name: 'synonym-insertion',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Synonyms of words are put in at random places',
    create: createSynonymInsertion,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'augmenter:synonym-insertion': typeof synonymInsertion;
  }
}

function createSynonymInsertion(options: SynonymOptions = {}): Augmenter {
  return synonymAugmenter('synonym-insertion', options, ({ synonyms }, text, draws) => {
    const { start } = draws.pick(wordsOf(text));
    return [{ start, end: start, text: `${draws.pick(synonyms)} ` }];
  });
}

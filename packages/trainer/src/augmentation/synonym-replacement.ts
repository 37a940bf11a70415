import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import type { Augmenter } from './augmenter';
import { synonymAugmenter } from './synonym-augmenter';
import type { SynonymOptions } from './synonym-augmenter';
import { replaceWord } from './synonym-candidates';

/**
 * Words replaced by synonyms of WordNet, in the same form: plural for plural, past for past, and the article to fit. Names,
 * numbers, auxiliaries and words that turn a statement round stay; so does every word whose form is not certain.
 *
 * @param options share of the words that have synonyms (0.1), meanings, lexicon, parser, and whether labelled spans may change
 * @returns the augmenter, for `augment`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be; `augment` throws E_EXAMPLE, E_LEXICON and E_PARSER
 *
 * Wei and Zou: "EDA: Easy Data Augmentation Techniques" (2019), synonym replacement.
 *
 * @example
 * ```ts
 * import { createKey } from '@tesserae/core';
 * import { synonymReplacement } from '@tesserae/trainer';
 * const [made] = await synonymReplacement().augment({ text: 'They bought two cars.' }, createKey(1));
 * console.log(made.text !== 'They bought two cars.'); // → true
 * ```
 */
export const synonymReplacement: Plugin<'augmenter', 'synonym-replacement', (options?: SynonymOptions) => Augmenter> =
  /* @__PURE__ */ definePlugin({
    kind: 'augmenter',
    name: 'synonym-replacement',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Words are replaced by synonyms',
    create: createSynonymReplacement,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'augmenter:synonym-replacement': typeof synonymReplacement;
  }
}

function createSynonymReplacement(options: SynonymOptions = {}): Augmenter {
  return synonymAugmenter('synonym-replacement', options, (place, text, draws) => [
    replaceWord(place, draws.pick(place.synonyms), text),
  ]);
}

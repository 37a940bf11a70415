import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import type { Augmenter, EditOptions } from './augmenter';
import { editPlaces } from './edit-places';
import { lettersOf } from './words';

/**
 * Characters put in: one more letter from a to z before a character of a word. Words with digits stay.
 *
 * @param options share of the characters that are changed (0.05), and whether labelled spans may change
 * @returns the augmenter, for `augment`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be; `augment` throws E_EXAMPLE
 *
 * Pruthi et al.: "Combating Adversarial Misspellings with Robust Word Recognition" (2019), section 3.
 *
 * @example
 * ```ts
 * import { createKey } from '@tesserae/core';
 * import { characterInsertion } from '@tesserae/trainer';
 * console.log(characterInsertion().augment({ text: 'a good day', label: 1 }, createKey(1))); // → [ { text: 'a gootd day', label: 1 } ]
 * ```
 */
export const characterInsertion: Plugin<'augmenter', 'character-insertion', (options?: EditOptions) => Augmenter> =
  /* @__PURE__ */ definePlugin({
    kind: 'augmenter',
    name: 'character-insertion',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Characters are put in',
    create: createCharacterInsertion,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'augmenter:character-insertion': typeof characterInsertion;
  }
}

const letters = Array.from('abcdefghijklmnopqrstuvwxyz');

function createCharacterInsertion(options: EditOptions = {}): Augmenter {
  return editPlaces(
    {
      name: 'character-insertion',
      rate: 0.05,
      places: (text) => lettersOf(text).flatMap((word) => word.slice(1)),
      edit: ({ start }, draws) => ({ start, end: start, text: draws.pick(letters) }),
    },
    options,
  );
}

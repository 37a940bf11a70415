import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import type { Augmenter, EditOptions } from './augmenter';
import { editPlaces } from './edit-places';
import { lettersOf } from './words';

/**
 * Characters left out; the first of every word stays. Words with digits stay.
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
 * import { characterDeletion } from '@tesserae/trainer';
 * console.log(characterDeletion().augment({ text: 'a good day', label: 1 }, createKey(1))); // → [ { text: 'a goo day', label: 1 } ]
 * ```
 */
export const characterDeletion: Plugin<'augmenter', 'character-deletion', (options?: EditOptions) => Augmenter> =
  /* @__PURE__ */ definePlugin({
    kind: 'augmenter',
    name: 'character-deletion',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Characters are left out',
    create: createCharacterDeletion,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'augmenter:character-deletion': typeof characterDeletion;
  }
}

function createCharacterDeletion(options: EditOptions = {}): Augmenter {
  return editPlaces(
    {
      name: 'character-deletion',
      rate: 0.05,
      places: (text) => lettersOf(text).flatMap((word) => word.slice(1)), // the first is left
      edit: ({ start, end }) => ({ start, end, text: '' }),
    },
    options,
  );
}

import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import type { Augmenter, EditOptions } from './augmenter';
import { editPlaces } from './edit-places';
import { lettersOf } from './words';

/**
 * Neighbouring characters of a word that have changed places. Words with digits stay.
 *
 * @param options share of the pairs of different neighbours that are changed (0.05), and whether labelled spans may change
 * @returns the augmenter, for `augment`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be; `augment` throws E_EXAMPLE
 *
 * Belinkov and Bisk: "Synthetic and Natural Noise Both Break Neural Machine Translation" (2018), section 4.2.
 *
 * @example
 * ```ts
 * import { createKey } from '@tesserae/core';
 * import { characterSwap } from '@tesserae/trainer';
 * console.log(characterSwap().augment({ text: 'a good day', label: 1 }, createKey(1))); // → [ { text: 'a good ady', label: 1 } ]
 * ```
 */
export const characterSwap: Plugin<'augmenter', 'character-swap', (options?: EditOptions) => Augmenter> =
  /* @__PURE__ */ definePlugin({
    kind: 'augmenter',
    name: 'character-swap',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Neighbouring characters change places',
    create: createCharacterSwap,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'augmenter:character-swap': typeof characterSwap;
  }
}

function createCharacterSwap(options: EditOptions = {}): Augmenter {
  return editPlaces(
    {
      name: 'character-swap',
      rate: 0.05,
      places: (text) =>
        lettersOf(text).flatMap((word) =>
          word.slice(1).flatMap((right, i) => (right.text === word[i].text ? [] : [[word[i], right] as const])),
        ),
      edit: ([left, right]) => ({ start: left.start, end: right.end, text: right.text + left.text }),
    },
    options,
  );
}

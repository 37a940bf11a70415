import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import type { Augmenter, EditOptions } from './augmenter';
import { editPlaces } from './edit-places';
import { inCaseOf, lettersOf } from './words';

/**
 * Slips of the finger: letters become one of their neighbours on a QWERTY keyboard. Words with digits stay.
 *
 * @param options share of the letters that are changed (0.05), and whether labelled spans may change
 * @returns the augmenter, for `augment`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be; `augment` throws E_EXAMPLE
 *
 * Belinkov and Bisk: "Synthetic and Natural Noise Both Break Neural Machine Translation" (2018), section 4.2.
 *
 * @example
 * ```ts
 * import { createKey } from '@tesserae/core';
 * import { keyboardSlips } from '@tesserae/trainer';
 * console.log(keyboardSlips().augment({ text: 'a good day', label: 1 }, createKey(1))); // → [ { text: 'a good dzy', label: 1 } ]
 * ```
 */
export const keyboardSlips: Plugin<'augmenter', 'keyboard-slips', (options?: EditOptions) => Augmenter> =
  /* @__PURE__ */ definePlugin({
    kind: 'augmenter',
    name: 'keyboard-slips',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Letters become their neighbours on the keyboard',
    create: createKeyboardSlips,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'augmenter:keyboard-slips': typeof keyboardSlips;
  }
}

const rows = [
  { letters: 'qwertyuiop', left: 0 },
  { letters: 'asdfghjkl', left: 0.25 },
  { letters: 'zxcvbnm', left: 0.75 },
];

/** The keys that touch a key: one row up or down by less than a key, or beside it. */
function neighboursOf(letter: string): string[] {
  const keys = rows.flatMap(({ letters, left }, y) => Array.from(letters, (key, x) => ({ key, x: x + left, y })));
  const own = keys.find(({ key }) => key === letter);
  if (own === undefined) return [];
  return keys
    .filter(({ key, x, y }) => key !== letter && Math.hypot(x - own.x, y - own.y) < 1.26)
    .map(({ key }) => key);
}

function createKeyboardSlips(options: EditOptions = {}): Augmenter {
  return editPlaces(
    {
      name: 'keyboard-slips',
      rate: 0.05,
      places: (text) => lettersOf(text).flatMap((word) => word.filter((one) => /^[a-z]$/i.test(one.text))),
      edit: ({ start, end, text }, draws) => ({
        start,
        end,
        text: inCaseOf(text, draws.pick(neighboursOf(text.toLowerCase()))),
      }),
    },
    options,
  );
}

import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import type { Augmenter, EditOptions } from './augmenter';
import { placesOf } from './draws';
import { editText } from './edit-text';
import { isNegation } from './negation';
import { applyEdits } from './pieces';
import type { Edit } from './pieces';
import { wordsOf } from './words';
import type { Part } from './words';

/**
 * Words left out, with the space before them; one word at least is left, and one of every labelled span. Words that turn a
 * statement round (not, never, no, …) stay.
 *
 * @param options share of the words that are changed (0.1), and whether labelled spans may change
 * @returns the augmenter, for `augment`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be; `augment` throws E_EXAMPLE
 *
 * Wei and Zou: "EDA: Easy Data Augmentation Techniques" (2019), random deletion.
 *
 * @example
 * ```ts
 * import { createKey } from '@tesserae/core';
 * import { wordDeletion } from '@tesserae/trainer';
 * console.log(wordDeletion().augment({ text: 'what a good day it is', label: 1 }, createKey(1))); // → [ { text: 'what a day it is', label: 1 } ]
 * ```
 */
export const wordDeletion: Plugin<'augmenter', 'word-deletion', (options?: EditOptions) => Augmenter> =
  /* @__PURE__ */ definePlugin({
    kind: 'augmenter',
    name: 'word-deletion',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Words are left out',
    create: createWordDeletion,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'augmenter:word-deletion': typeof wordDeletion;
  }
}

function createWordDeletion(options: EditOptions = {}): Augmenter {
  return editText(
    {
      name: 'word-deletion',
      rate: 0.1,
      edit(example, draws, { rate, insideSpans }) {
        const words = wordsOf(example.text);
        const free = words.filter((word) => !isNegation(word.text));
        const most = free.length === words.length ? words.length - 1 : free.length; // one is left at least
        if (most < 1) return undefined;
        const chosen = draws.choose(free.length, Math.min(most, placesOf(words.length, rate)));
        const edits = deletions(
          example.text,
          chosen.map((at) => free[at]),
        );
        return applyEdits(example, edits, insideSpans);
      },
    },
    options,
  );
}

/** Words go with the space before them, and those at the start of a line with the space after them. */
function deletions(text: string, words: readonly Part[]): Edit[] {
  let gone = 0; // where the last deletion ended
  return words.map((word) => {
    const before = text.slice(gone, word.start).trimEnd();
    const start = gone + before.length;
    const atLineStart = before === '' && (gone === 0 || /\s/.test(text[gone - 1]));
    const end = word.end + (atLineStart ? (/^\s+/.exec(text.slice(word.end))?.[0].length ?? 0) : 0);
    gone = end;
    return { start, end, text: '' };
  });
}

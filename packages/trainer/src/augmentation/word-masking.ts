import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, rules } from '../options';
import { checkExample, editRules } from './augmentation-errors';
import type { Augmenter, EditOptions } from './augmenter';
import { drawsOf, placesOf } from './draws';
import { applyEdits } from './pieces';
import type { Edit } from './pieces';
import { wordsOf } from './words';

/** Options of {@link wordMasking}. */
export interface WordMaskingOptions extends EditOptions {
  /** What stands for words: `[MASK]`. */
  readonly mask?: string;
  /** The most words in a row that one mask stands for; the number is drawn evenly: 1. */
  readonly longestSpan?: number;
}

/**
 * Words replaced by a mask, such as the mask token of a tokenizer: the rest has to be enough to know the label.
 *
 * @param options share of the words (0.15), the mask (`[MASK]`), how many words in a row at most (1), labelled spans
 * @returns the augmenter, for `augment`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be; `augment` throws E_EXAMPLE
 *
 * Devlin et al.: "BERT" (2019), section 3.1; runs of words with one mask: Lewis et al.: "BART" (2020), text infilling.
 *
 * @example
 * ```ts
 * import { createKey } from '@tesserae/core';
 * import { wordMasking } from '@tesserae/trainer';
 * const options = { mask: '<mask>', rate: 0.5 };
 * console.log(wordMasking(options).augment({ text: 'one two' }, createKey(1))); // → [ { text: '<mask> two' } ]
 * ```
 */
export const wordMasking: Plugin<'augmenter', 'word-masking', (options?: WordMaskingOptions) => Augmenter> =
  /* @__PURE__ */ definePlugin({
    kind: 'augmenter',
    name: 'word-masking',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Words are replaced by a mask',
    create: createWordMasking,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'augmenter:word-masking': typeof wordMasking;
  }
}

const name = 'word-masking';

function createWordMasking(options: WordMaskingOptions = {}): Augmenter {
  checkOptions<WordMaskingOptions>(name, options, {
    ...editRules,
    mask: rules.string,
    longestSpan: rules.positiveInteger,
  });
  const { rate = 0.15, insideSpans = 'keep', mask = '[MASK]', longestSpan = 1 } = options;
  return {
    name,
    hyperparameters: { rate, insideSpans, mask, longestSpan },
    augment(example, key) {
      checkExample(name, example);
      const draws = drawsOf(key);
      const words = wordsOf(example.text);
      const edits: Edit[] = [];
      let left = placesOf(words.length, rate);
      const mean = (1 + longestSpan) / 2;
      for (const at of draws.choose(words.length, Math.ceil(left / mean))) {
        if (left <= 0 || words[at].start < (edits[edits.length - 1]?.end ?? 0)) continue;
        const length = Math.min(1 + draws.below(longestSpan), left, words.length - at);
        edits.push({ start: words[at].start, end: words[at + length - 1].end, text: mask });
        left -= length;
      }
      const made = applyEdits(example, edits, insideSpans);
      return made === undefined ? [] : [made];
    },
  };
}

import { countOf, listOf, overlap, splitWords } from './references';
import type { References } from './references';

/** The 32 signs of ASCII punctuation. */
const punctuation = /[!-/:-@[-`{-~]/g;
const articles = /(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu;

/**
 * A text as SQuAD compares it: in lower case, without ASCII punctuation and English articles, single spaces.
 *
 * @param text any text
 * @returns the text that is compared
 *
 * Reference: `normalize_answer` of SQuAD's evaluation script.
 *
 * @example
 * ```ts
 * import { normalizeAnswer } from '@tesserae/trainer';
 * console.log(normalizeAnswer('The  Eiffel-Tower!')); // → eiffeltower
 * ```
 */
export function normalizeAnswer(text: string): string {
  return splitWords(text.toLowerCase().replace(punctuation, '').replace(articles, ' ')).join(' ');
}

/**
 * Whether an answer equals one of its references after SQuAD's normalization.
 *
 * @param prediction the answer
 * @param references one right answer, or several
 * @returns 1 or 0
 *
 * Rajpurkar et al.: "SQuAD: 100,000+ Questions for Machine Comprehension of Text" (2016), section 6.1.
 *
 * @example
 * ```ts
 * import { exactMatch } from '@tesserae/trainer';
 * console.log(exactMatch('the cat.', ['A dog', 'A Cat']), exactMatch('two cats', 'cat')); // → 1 0
 * ```
 */
export function exactMatch(prediction: string, references: References): number {
  const given = normalizeAnswer(prediction);
  return listOf(references).some((reference) => normalizeAnswer(reference) === given) ? 1 : 0;
}

/**
 * The F1 of an answer's words against its best reference, after SQuAD's normalization.
 *
 * F1 = 2PR / (P + R) with the words that both share, counted as often as they stand in both
 *
 * @param prediction the answer
 * @param references one right answer, or several; an empty one means that there is none
 * @returns from 0 to 1
 *
 * Reference: SQuAD 2.0's evaluation script.
 *
 * @example
 * ```ts
 * import { tokenF1 } from '@tesserae/trainer';
 * console.log(tokenF1('the black cat', ['a cat', 'dog']).toFixed(3)); // → 0.667
 * ```
 */
export function tokenF1(prediction: string, references: References): number {
  const given = splitWords(normalizeAnswer(prediction));
  return listOf(references).reduce((best, reference) => {
    const wanted = splitWords(normalizeAnswer(reference));
    if (given.length === 0 || wanted.length === 0) return Math.max(best, given.length === wanted.length ? 1 : 0);
    const shared = overlap(countOf(given), countOf(wanted));
    return Math.max(best, (2 * shared) / (given.length + wanted.length));
  }, 0);
}

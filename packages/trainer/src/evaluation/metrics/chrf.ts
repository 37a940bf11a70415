import { sumStatistics } from './bleu';
import { checkTexts, countOf, listOf, nGrams, overlap, splitWords } from './references';
import type { References } from './references';

/** Options of {@link chrf}, with sacrebleu's defaults. */
export interface ChrfOptions {
  /** The longest n-grams of characters: 6. */
  readonly characterOrder?: number | undefined;
  /** The longest n-grams of words; 2 makes it chrF++: 0. */
  readonly wordOrder?: number | undefined;
  /** How many times as much recall counts as precision: 2. */
  readonly beta?: number | undefined;
  /** Compare in lower case: false. */
  readonly lowercase?: boolean | undefined;
  /** Let white space count as characters: false. */
  readonly whitespace?: boolean | undefined;
}

const sign = /^[!-/:-@[-`{-~]$/;

/** Words, with one sign of punctuation cut off their end or else their beginning. */
const wordsAndSigns = (text: string): string[] =>
  splitWords(text).flatMap((word) => {
    const letters = Array.from(word);
    if (letters.length === 1) return [word];
    if (sign.test(letters[letters.length - 1])) return [letters.slice(0, -1).join(''), letters[letters.length - 1]];
    return sign.test(letters[0]) ? [letters[0], letters.slice(1).join('')] : [word];
  });

/** The n-grams of a text: of characters of orders 1 …, then of words of orders 1 … */
function gramsOf(text: string, options: ChrfOptions): Map<string, number>[] {
  const { characterOrder = 6, wordOrder = 0, lowercase = false, whitespace = false } = options;
  const given = lowercase ? text.toLowerCase() : text;
  const characters = Array.from(whitespace ? given : splitWords(given).join(''));
  const words = wordOrder > 0 ? wordsAndSigns(given) : [];
  return [
    ...Array.from({ length: characterOrder }, (_, n) => countOf(nGrams(characters, n + 1))),
    ...Array.from({ length: wordOrder }, (_, n) => countOf(nGrams(words, n + 1))),
  ];
}

const total = (counts: ReadonlyMap<string, number>): number => {
  let sum = 0;
  for (const count of counts.values()) sum += count;
  return sum;
};

/** The score of [n-grams predicted, of the reference, shared] of each order, one after the other. */
export function chrfOfStatistics(sums: readonly number[], { beta = 2 }: ChrfOptions = {}): number {
  let [precision, recall, orders] = [0, 0, 0];
  for (let i = 0; i < sums.length; i += 3) {
    const [predicted, wanted, shared] = sums.slice(i, i + 3);
    if (predicted === 0 || wanted === 0) continue;
    precision += shared / predicted;
    recall += shared / wanted;
    orders++;
  }
  if (precision + recall === 0) return 0;
  [precision, recall] = [precision / orders, recall / orders];
  return (100 * (1 + beta ** 2) * precision * recall) / (beta ** 2 * precision + recall);
}

/** What one sample adds to the sums; of several references the one with the best score of its own counts. */
export function chrfStatistics(prediction: string, references: References, options: ChrfOptions = {}): number[] {
  const given = gramsOf(prediction, options);
  let [best, bestScore]: [number[], number] = [[], -1];
  for (const reference of listOf(references)) {
    const wanted = gramsOf(reference, options);
    const statistics = given.flatMap((grams, i) => {
      const ofReference = total(wanted[i]);
      return [ofReference === 0 ? 0 : total(grams), ofReference, overlap(grams, wanted[i])];
    });
    const score = chrfOfStatistics(statistics, options);
    if (score > bestScore) [best, bestScore] = [statistics, score];
  }
  return best;
}

/**
 * chrF of a corpus, as sacrebleu computes it: F-score of the n-grams of characters (and, for chrF++, of words).
 *
 * chrFβ = (1 + β²) P R / (β² P + R), P and R the means over the orders n = 1 … 6 over the whole corpus
 *
 * @param predictions [N] texts
 * @param references [N], of each text one reference or several
 * @param options orders, β, case, white space; `{ wordOrder: 2 }` is chrF++
 * @returns from 0 to 100
 * @throws E_METRIC_INPUT when the lists do not fit together
 *
 * Popović: "chrF: character n-gram F-score for automatic MT evaluation" (2015), "chrF++: words helping character n-grams"
 * (2017); sacrebleu's signature `nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no`.
 *
 * @example
 * ```ts
 * import { chrf } from '@tesserae/trainer';
 * console.log(chrf(['the cat sat'], ['the cat sits']).toFixed(1), chrf(['the cat'], ['the cat'])); // → 61.0 100
 * ```
 */
export function chrf(
  predictions: readonly string[],
  references: readonly References[],
  options: ChrfOptions = {},
): number {
  checkTexts('chrf', predictions, references);
  const rows = predictions.map((prediction, i) => chrfStatistics(prediction, references[i], options));
  return chrfOfStatistics(sumStatistics(rows), options);
}

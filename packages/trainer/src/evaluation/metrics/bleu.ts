import { metricInput } from './check-pairs';
import { checkTexts, countOf, listOf, nGrams, splitWords } from './references';
import type { References } from './references';

/** What keeps a missing n-gram order from making the whole score 0. */
export type BleuSmoothing = 'exp' | 'floor' | 'add-k' | 'none';

/** Options of {@link bleu}, with sacrebleu's defaults. */
export interface BleuOptions {
  /** How words are found: the WMT rules (`13a`), every character (`char`), or white space alone (`none`): `13a`. */
  readonly tokenize?: '13a' | 'char' | 'none' | undefined;
  /** `exp`: each missing order counts half as much as the one before. */
  readonly smoothing?: BleuSmoothing | undefined;
  /** What `floor` (0.1) and `add-k` (1) put in. */
  readonly smoothingValue?: number | undefined;
  /** The longest n-grams: 4. */
  readonly maxOrder?: number | undefined;
  /** Leave out the orders for which a text is too short, which single sentences need: false. */
  readonly effectiveOrder?: boolean | undefined;
  /** Compare in lower case: false. */
  readonly lowercase?: boolean | undefined;
}

/** The score and what it is made of. */
export interface BleuScore {
  /** From 0 to 100. */
  readonly score: number;
  /** Of each order, in percent. */
  readonly precisions: readonly number[];
  /** exp(1 - r/c) where the predictions are shorter than the references, otherwise 1. */
  readonly brevityPenalty: number;
  /** Words of all predictions together. */
  readonly predictionLength: number;
  /** Words of all references together, of each sample the one nearest in length. */
  readonly referenceLength: number;
}

/** The words of a text by the rules of mteval-v13a, which WMT uses. */
function tokenize13a(text: string): string[] {
  let line = text.replaceAll('<skipped>', '').replaceAll('-\n', '').replaceAll('\n', ' ');
  for (const [entity, sign] of [
    ['&quot;', '"'],
    ['&amp;', '&'],
    ['&lt;', '<'],
    ['&gt;', '>'],
  ])
    line = line.replaceAll(entity, sign);
  return splitWords(
    ` ${line} `
      .replace(/([{-~[-` -&(-+:-@/])/g, ' $1 ') // ASCII signs but ' , - .
      .replace(/([^0-9])([.,])/gu, '$1 $2 ') // full stop and comma, unless a digit stands before …
      .replace(/([.,])([^0-9])/gu, ' $1 $2') // … and after them
      .replace(/([0-9])(-)/g, '$1 $2 '), // a dash after a digit
  );
}

const tokenizers: Readonly<Record<string, (text: string) => string[]>> = {
  '13a': tokenize13a,
  char: (text) => Array.from(text).filter((letter) => splitWords(letter).length > 0),
  none: splitWords,
};

/** [words predicted, words of the reference, right n-grams by order …, n-grams by order …]: sums over samples add up. */
export type BleuStatistics = readonly number[];

function checkBleuOptions({ tokenize = '13a', smoothing = 'exp', maxOrder = 4 }: BleuOptions): void {
  if (!Object.hasOwn(tokenizers, tokenize))
    throw metricInput('bleu', `there is no tokenizer ${JSON.stringify(tokenize)}`, "use '13a', 'char' or 'none'");
  if (!['exp', 'floor', 'add-k', 'none'].includes(smoothing))
    throw metricInput(
      'bleu',
      `there is no smoothing ${JSON.stringify(smoothing)}`,
      "use 'exp', 'floor', 'add-k' or 'none'",
    );
  if (!Number.isSafeInteger(maxOrder) || maxOrder < 1)
    throw metricInput('bleu', `maxOrder is ${String(maxOrder)}`, 'use a whole number such as 4');
}

/** What one sample adds to the sums that the score is made from. */
export function bleuStatistics(prediction: string, references: References, options: BleuOptions = {}): number[] {
  const { tokenize = '13a', maxOrder = 4, lowercase = false } = options;
  const wordsOf = (text: string): string[] => tokenizers[tokenize]((lowercase ? text.toLowerCase() : text).trimEnd());
  const words = wordsOf(prediction);
  const wanted = listOf(references).map(wordsOf);
  const nearest = wanted
    .map((reference) => reference.length)
    .reduce((best, length) => {
      const closer = Math.abs(length - words.length) - Math.abs(best - words.length);
      return closer < 0 || (closer === 0 && length < best) ? length : best;
    });
  const [right, all]: [number[], number[]] = [[], []];
  for (let n = 1; n <= maxOrder; n++) {
    const counts = wanted.map((reference) => countOf(nGrams(reference, n)));
    let hits = 0;
    for (const [gram, count] of countOf(nGrams(words, n)))
      hits += Math.min(count, Math.max(...counts.map((of) => of.get(gram) ?? 0)));
    right.push(hits);
    all.push(Math.max(0, words.length - n + 1));
  }
  return [words.length, nearest, ...right, ...all];
}

/** The score of the summed statistics of a corpus. */
export function bleuOfStatistics(sums: BleuStatistics, options: BleuOptions = {}): BleuScore {
  const { smoothing = 'exp', maxOrder = 4, effectiveOrder = false } = options;
  const value = options.smoothingValue ?? (smoothing === 'floor' ? 0.1 : 1);
  const [predictionLength, referenceLength] = sums;
  const [right, all] = [sums.slice(2, 2 + maxOrder), sums.slice(2 + maxOrder)];
  const shorter = predictionLength < referenceLength;
  const penalty = predictionLength === 0 ? 0 : Math.exp(1 - referenceLength / predictionLength);
  const brevityPenalty = shorter ? penalty : 1;
  const precisions = new Array<number>(maxOrder).fill(0);
  const found = { precisions, brevityPenalty, predictionLength, referenceLength };
  if (right.every((count) => count === 0)) return { score: 0, ...found };
  let [orders, halved] = [maxOrder, 1];
  for (let n = 0; n < maxOrder; n++) {
    const added = smoothing === 'add-k' && n > 0 ? value : 0;
    const [hits, total] = [right[n] + added, all[n] + added];
    if (total === 0) break;
    if (effectiveOrder) orders = n + 1;
    if (hits > 0) precisions[n] = (100 * hits) / total;
    else if (smoothing === 'exp') precisions[n] = 100 / ((halved *= 2) * total);
    else if (smoothing === 'floor') precisions[n] = (100 * value) / total;
  }
  const counted = precisions.slice(0, orders);
  if (counted.includes(0)) return { score: 0, ...found };
  const mean = counted.reduce((sum, precision) => sum + Math.log(precision), 0) / orders;
  return { score: brevityPenalty * Math.exp(mean), ...found };
}

/** Sums lists of the same length, place by place. */
export const sumStatistics = (rows: readonly (readonly number[])[]): number[] => {
  const total = new Array<number>(rows[0].length).fill(0);
  for (const row of rows) for (let i = 0; i < total.length; i++) total[i] += row[i];
  return total;
};

/**
 * BLEU of a corpus, as sacrebleu computes it: how many n-grams of the predictions stand in the references.
 *
 * BLEU = BP · exp(¼ Σₙ log pₙ), with pₙ the share of right n-grams over the whole corpus, n = 1 … 4
 *
 * @param predictions [N] texts
 * @param references [N], of each text one reference or several
 * @param options tokenizer, smoothing, longest n-grams, case
 * @returns the score from 0 to 100 and its parts
 * @throws E_METRIC_INPUT when the lists do not fit together, or an option is unknown
 *
 * Papineni et al.: "BLEU: a Method for Automatic Evaluation of Machine Translation" (2002); Post: "A Call for Clarity in
 * Reporting BLEU Scores" (2018): signature `nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp`.
 *
 * @example
 * ```ts
 * import { bleu } from '@tesserae/trainer';
 * const { score } = bleu(['The dog bit the man.'], [['The dog bit the man.', 'The dog had bit the man.']]);
 * console.log(score.toFixed(1)); // → 100.0
 * ```
 */
export function bleu(
  predictions: readonly string[],
  references: readonly References[],
  options: BleuOptions = {},
): BleuScore {
  checkTexts('bleu', predictions, references);
  checkBleuOptions(options);
  const rows = predictions.map((prediction, i) => bleuStatistics(prediction, references[i], options));
  return bleuOfStatistics(sumStatistics(rows), options);
}

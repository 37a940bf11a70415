import { averageScores, scoreOfCounts } from './f1-score';
import type { PrecisionRecallF1 } from './f1-score';
import { checkTexts, countOf, listOf, nGrams, overlap, splitWords } from './references';
import type { References } from './references';

/** ROUGE by its four usual names. */
export interface RougeScores {
  /** Words shared. */
  readonly rouge1: PrecisionRecallF1;
  /** Pairs of words shared. */
  readonly rouge2: PrecisionRecallF1;
  /** The longest common subsequence of words. */
  readonly rougeL: PrecisionRecallF1;
  /** The same, sentence by sentence (lines of the text). */
  readonly rougeLsum: PrecisionRecallF1;
}

/** Runs of a-z and 0-9 in the text in lower case. */
const wordsOf = (text: string): string[] => splitWords(text.toLowerCase().replace(/[^a-z0-9]+/g, ' '));

/** lengths[i][j]: of the longest common subsequence of the first i words of a and the first j of b. */
function subsequenceTable(a: readonly string[], b: readonly string[]): Uint32Array[] {
  const table = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++)
      table[i][j] = a[i - 1] === b[j - 1] ? table[i - 1][j - 1] + 1 : Math.max(table[i - 1][j], table[i][j - 1]);
  return table;
}

/** Places in `reference` of one longest common subsequence with `prediction`. */
function subsequencePlaces(reference: readonly string[], prediction: readonly string[]): number[] {
  const table = subsequenceTable(reference, prediction);
  const places: number[] = [];
  let [i, j] = [reference.length, prediction.length];
  while (i > 0 && j > 0) {
    if (reference[i - 1] === prediction[j - 1]) {
      places.push(--i);
      j--;
    } else if (table[i][j - 1] > table[i - 1][j]) j--;
    else i--;
  }
  return places;
}

function rougeN(prediction: readonly string[], reference: readonly string[], n: number): PrecisionRecallF1 {
  const [given, wanted] = [nGrams(prediction, n), nGrams(reference, n)];
  return scoreOfCounts(overlap(countOf(given), countOf(wanted)), given.length, wanted.length);
}

function rougeL(prediction: readonly string[], reference: readonly string[]): PrecisionRecallF1 {
  const length = subsequenceTable(reference, prediction)[reference.length][prediction.length];
  return scoreOfCounts(length, prediction.length, reference.length);
}

/** For each sentence of the reference the union of its subsequences with every sentence of the prediction. */
function rougeLsum(prediction: string, reference: string): PrecisionRecallF1 {
  const sentences = (text: string): string[][] => text.split('\n').filter(Boolean).map(wordsOf);
  const [given, wanted] = [sentences(prediction), sentences(reference)];
  const [left, leftOfReference] = [countOf(given.flat()), countOf(wanted.flat())];
  let hits = 0;
  for (const sentence of wanted) {
    const places = new Set(given.flatMap((other) => subsequencePlaces(sentence, other)));
    for (const place of places) {
      const word = sentence[place];
      const [inPrediction, inReference] = [left.get(word) ?? 0, leftOfReference.get(word) ?? 0];
      if (inPrediction === 0 || inReference === 0) continue; // every word counts once for each time that it stands there
      hits++;
      left.set(word, inPrediction - 1);
      leftOfReference.set(word, inReference - 1);
    }
  }
  return scoreOfCounts(hits, given.flat().length, wanted.flat().length);
}

/** The scores of one text; of several references the best of each name counts. */
export function rougeOf(prediction: string, references: References): RougeScores {
  const given = wordsOf(prediction);
  const scores = listOf(references).map((reference): RougeScores => {
    const wanted = wordsOf(reference);
    return {
      rouge1: rougeN(given, wanted, 1),
      rouge2: rougeN(given, wanted, 2),
      rougeL: rougeL(given, wanted),
      rougeLsum: rougeLsum(prediction, reference),
    };
  });
  const best = (name: keyof RougeScores): PrecisionRecallF1 =>
    scores.map((score) => score[name]).reduce((a, b) => (b.f1 > a.f1 ? b : a));
  return { rouge1: best('rouge1'), rouge2: best('rouge2'), rougeL: best('rougeL'), rougeLsum: best('rougeLsum') };
}

/**
 * ROUGE-1, -2, -L and -Lsum, the mean over samples: how much of a summary's words stand in the reference.
 *
 * Words are runs of a-z and 0-9 in lower case; no stemming. ROUGE-Lsum takes lines as sentences.
 *
 * @param predictions [N] texts
 * @param references [N], of each text one reference or several
 * @returns precision, recall and F1 of each, from 0 to 1
 * @throws E_METRIC_INPUT when the lists do not fit together
 *
 * Lin: "ROUGE: A Package for Automatic Evaluation of Summaries" (2004); numbers as Google's `rouge_score` without stemmer.
 *
 * @example
 * ```ts
 * import { rouge } from '@tesserae/trainer';
 * const { rouge1, rougeL } = rouge(['the cat was here'], ['here was the cat']);
 * console.log(rouge1.f1, rougeL.f1); // → 1 0.5
 * ```
 */
export function rouge(predictions: readonly string[], references: readonly References[]): RougeScores {
  checkTexts('rouge', predictions, references);
  const scores = predictions.map((prediction, i) => rougeOf(prediction, references[i]));
  const weights = scores.map(() => 1);
  const mean = (name: keyof RougeScores): PrecisionRecallF1 =>
    averageScores(
      scores.map((score) => score[name]),
      weights,
    );
  return { rouge1: mean('rouge1'), rouge2: mean('rouge2'), rougeL: mean('rougeL'), rougeLsum: mean('rougeLsum') };
}

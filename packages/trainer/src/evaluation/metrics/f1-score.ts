import type { ClassLabel } from './accuracy';
import { metricInput } from './check-pairs';
import { confusionMatrix } from './confusion-matrix';
import type { ConfusionMatrix } from './confusion-matrix';

/** How the F1 of several classes become one. */
export type F1Average = 'binary' | 'macro' | 'micro' | 'weighted';

/** Precision, recall and their harmonic mean. */
export interface PrecisionRecallF1 {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/** The scores of one class. */
export interface ClassScore extends PrecisionRecallF1 {
  readonly label: ClassLabel;
  /** How many samples are of this class. */
  readonly support: number;
}

/** The average, and what it is made of. */
export interface F1Score extends PrecisionRecallF1 {
  readonly perClass: readonly ClassScore[];
}

/** Options of {@link f1Score}. */
export interface F1Options {
  /**
   * `binary`: the class `positiveLabel` alone. `macro`: the mean over classes. `weighted`: the mean weighted by support.
   * `micro`: from the counts of all classes together. `macro` when absent.
   */
  readonly average?: F1Average | undefined;
  /** The class that `binary` is about: 1. */
  readonly positiveLabel?: ClassLabel | undefined;
}

/** Where nothing was found (or nothing was there to find) the score is 0, as with scikit-learn's `zero_division=0`. */
export const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

/** Precision, recall, F1 = 2TP / (2TP + FP + FN) of counts. */
export const scoreOfCounts = (hits: number, predicted: number, actual: number): PrecisionRecallF1 => ({
  precision: ratio(hits, predicted),
  recall: ratio(hits, actual),
  f1: ratio(2 * hits, predicted + actual),
});

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Rows that describe one class each become one by a weighted mean. */
export function averageScores(scores: readonly PrecisionRecallF1[], weights: readonly number[]): PrecisionRecallF1 {
  const total = sum(weights);
  const mean = (of: (score: PrecisionRecallF1) => number): number =>
    ratio(sum(scores.map((score, i) => of(score) * weights[i])), total);
  return { precision: mean((s) => s.precision), recall: mean((s) => s.recall), f1: mean((s) => s.f1) };
}

/** The scores of every class of a confusion matrix. */
function perClassOf({ labels, counts }: ConfusionMatrix): ClassScore[] {
  return labels.map((label, i) => {
    const support = sum(counts[i]);
    return { label, ...scoreOfCounts(counts[i][i], sum(counts.map((row) => row[i])), support), support };
  });
}

/**
 * Precision, recall and F1 over classes: F1 = 2PR / (P + R), P = TP / (TP + FP), R = TP / (TP + FN).
 *
 * A quotient 0 / 0 counts as 0.
 *
 * @param predictions [N]
 * @param labels [N], what is right
 * @param options `average` (`macro` when absent) and `positiveLabel` for `binary`
 * @returns the averages, and the scores of each class that occurs
 * @throws E_METRIC_INPUT when the lists differ in length or are empty, when the average is unknown, or when more than two
 *   classes are to be averaged as `binary`
 *
 * Reference: `precision_recall_fscore_support` of scikit-learn with `zero_division=0`.
 *
 * @example
 * ```ts
 * import { f1Score } from '@tesserae/trainer';
 * const { f1, perClass } = f1Score([1, 1, 0, 0], [1, 0, 0, 0], { average: 'binary' });
 * console.log(f1.toFixed(3), perClass.map(({ f1 }) => f1.toFixed(3))); // → 0.667 [ '0.800', '0.667' ]
 * ```
 */
export function f1Score(
  predictions: ArrayLike<ClassLabel>,
  labels: ArrayLike<ClassLabel>,
  options: F1Options = {},
): F1Score {
  const { average = 'macro', positiveLabel = 1 } = options;
  const matrix = confusionMatrix(predictions, labels);
  const perClass = perClassOf(matrix);
  switch (average) {
    case 'macro':
      return {
        ...averageScores(
          perClass,
          perClass.map(() => 1),
        ),
        perClass,
      };
    case 'weighted':
      return {
        ...averageScores(
          perClass,
          perClass.map(({ support }) => support),
        ),
        perClass,
      };
    case 'micro': {
      const total = labels.length;
      return { ...scoreOfCounts(sum(matrix.counts.map((row, i) => row[i])), total, total), perClass };
    }
    case 'binary':
      return { ...binaryScore(perClass, positiveLabel), perClass };
    default:
      throw metricInput(
        'f1Score',
        `there is no average ${JSON.stringify(average)}`,
        "use 'binary', 'macro', 'micro' or 'weighted'",
      );
  }
}

function binaryScore(perClass: readonly ClassScore[], positive: ClassLabel): PrecisionRecallF1 {
  if (perClass.length > 2)
    throw metricInput(
      'f1Score',
      `'binary' is for two classes, found ${perClass.length}`,
      "use 'macro', 'micro' or 'weighted'",
    );
  const found = perClass.find(({ label }) => label === positive);
  if (found === undefined && perClass.length === 2)
    throw metricInput(
      'f1Score',
      `the positive label ${JSON.stringify(positive)} is neither of ${JSON.stringify(perClass.map(({ label }) => label))}`,
      'give one of them as positiveLabel',
    );
  const { precision, recall, f1 } = found ?? { precision: 0, recall: 0, f1: 0 };
  return { precision, recall, f1 };
}

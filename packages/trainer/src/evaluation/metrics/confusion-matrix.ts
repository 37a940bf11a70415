import type { ClassLabel } from './accuracy';
import { checkPairs, metricInput } from './check-pairs';

/** How often each class was taken for each other. */
export interface ConfusionMatrix {
  /** The classes, in the order of rows and columns. */
  readonly labels: readonly ClassLabel[];
  /** `counts[i][j]`: samples of class i that were called j. */
  readonly counts: readonly (readonly number[])[];
}

/** Numbers by value before strings by code point: the order in which scikit-learn lists classes. */
const inOrder = (a: ClassLabel, b: ClassLabel): number => {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
};

/**
 * Counts how often each class was taken for each other.
 *
 * C[i][j] = #{n : yₙ = i and ŷₙ = j}
 *
 * @param predictions [N]
 * @param labels [N], what is right
 * @param classes the classes in the order wanted; every class that occurs, sorted, when absent
 * @returns classes and counts, a row for each true class
 * @throws E_METRIC_INPUT when the lists differ in length or are empty, or a class is not among `classes`
 *
 * Reference: `confusion_matrix` of scikit-learn.
 *
 * @example
 * ```ts
 * import { confusionMatrix } from '@tesserae/trainer';
 * const { labels, counts } = confusionMatrix(['b', 'a', 'b'], ['a', 'a', 'b']);
 * console.log(labels, counts); // → [ 'a', 'b' ] [ [ 1, 1 ], [ 0, 1 ] ]
 * ```
 */
export function confusionMatrix(
  predictions: ArrayLike<ClassLabel>,
  labels: ArrayLike<ClassLabel>,
  classes?: readonly ClassLabel[],
): ConfusionMatrix {
  checkPairs('confusionMatrix', ['predictions', predictions], ['labels', labels]);
  const all = classes ?? [...new Set([...Array.from(labels), ...Array.from(predictions)])].sort(inOrder);
  const place = new Map(all.map((label, index) => [label, index]));
  const counts = all.map(() => new Array<number>(all.length).fill(0));
  const placeOf = (label: ClassLabel): number => {
    const found = place.get(label);
    if (found !== undefined) return found;
    throw metricInput(
      'confusionMatrix',
      `the class ${JSON.stringify(label)} is not among the given`,
      'list every class',
    );
  };
  for (let i = 0; i < labels.length; i++) counts[placeOf(labels[i])][placeOf(predictions[i])]++;
  return { labels: all, counts };
}

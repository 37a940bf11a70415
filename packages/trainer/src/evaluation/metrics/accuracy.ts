import { checkPairs } from './check-pairs';

/** The name of a class. */
export type ClassLabel = string | number;

/**
 * The share of predictions that equal their label: (1/N) Σ [ŷᵢ = yᵢ].
 *
 * @param predictions [N]
 * @param labels [N]
 * @returns from 0 to 1
 * @throws E_METRIC_INPUT when the lists differ in length or are empty
 *
 * Reference: `accuracy_score` of scikit-learn.
 *
 * @example
 * ```ts
 * import { accuracy } from '@tesserae/trainer';
 * console.log(accuracy(['cat', 'dog', 'dog', 'cat'], ['cat', 'dog', 'cat', 'cat'])); // → 0.75
 * ```
 */
export function accuracy(predictions: ArrayLike<ClassLabel>, labels: ArrayLike<ClassLabel>): number {
  checkPairs('accuracy', ['predictions', predictions], ['labels', labels]);
  let right = 0;
  for (let i = 0; i < labels.length; i++) if (predictions[i] === labels[i]) right++;
  return right / labels.length;
}

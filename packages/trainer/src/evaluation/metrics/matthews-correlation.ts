import type { ClassLabel } from './accuracy';
import { confusionMatrix } from './confusion-matrix';

/**
 * The correlation of predictions with labels, over any number of classes: 1 for all right, 0 for chance.
 *
 * (c·s - Σₖ pₖ tₖ) / √((s² - Σ pₖ²)(s² - Σ tₖ²)), with s samples, c right ones, pₖ times predicted, tₖ times true
 *
 * @param predictions [N]
 * @param labels [N], what is right
 * @returns from -1 to 1; 0 where all predictions or all labels are one class
 * @throws E_METRIC_INPUT when the lists differ in length or are empty
 *
 * Gorodkin: "Comparing two K-category assignments by a K-category correlation coefficient" (2004); `matthews_corrcoef` of
 * scikit-learn.
 *
 * @example
 * ```ts
 * import { matthewsCorrelation } from '@tesserae/trainer';
 * console.log(matthewsCorrelation([1, 1, 0, 0], [1, 1, 0, 0])); // → 1
 * ```
 */
export function matthewsCorrelation(predictions: ArrayLike<ClassLabel>, labels: ArrayLike<ClassLabel>): number {
  const { counts } = confusionMatrix(predictions, labels);
  const samples = labels.length;
  let [right, both, predictedSquared, trueSquared] = [0, 0, 0, 0];
  counts.forEach((row, k) => {
    const actual = row.reduce((a, b) => a + b, 0);
    const predicted = counts.reduce((total, other) => total + other[k], 0);
    right += row[k];
    both += predicted * actual;
    predictedSquared += predicted ** 2;
    trueSquared += actual ** 2;
  });
  const scale = (samples ** 2 - predictedSquared) * (samples ** 2 - trueSquared);
  return scale === 0 ? 0 : (right * samples - both) / Math.sqrt(scale);
}

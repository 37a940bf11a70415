import { tesseraeError } from '@tesserae/registry';

/**
 * Weights that make every class count the same in all, however rare it is: wₖ = N / (C · Nₖ).
 *
 * @param labels the class of each example, from 0 to `classes` − 1
 * @param classes how many there are
 * @returns a weight for each class, [C]; 0 for one that no example has
 * @throws E_OBJECTIVE_DATA for a label that is no class, or no labels
 *
 * Reference: `compute_class_weight('balanced')` of scikit-learn.
 *
 * @example
 * ```ts
 * import { balancedClassWeights } from '@tesserae/trainer';
 * console.log(balancedClassWeights([0, 0, 0, 1], 2).map((one) => one.toFixed(3))); // → [ '0.667', '2.000' ]
 * ```
 */
export function balancedClassWeights(labels: readonly number[], classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  labels.forEach((label, i) => {
    if (!Number.isInteger(label) || label < 0 || label >= classes)
      throw refused(`label ${i} is ${String(label)}; the classes are 0 to ${classes - 1}`, 'give whole numbers');
    counts[label]++;
  });
  if (labels.length === 0) throw refused('there are no labels', 'give the label of each example');
  return counts.map((count) => (count === 0 ? 0 : labels.length / (classes * count)));
}

const refused = (message: string, fix: string): Error =>
  tesseraeError({ package: 'trainer', plugin: 'balancedClassWeights', code: 'E_OBJECTIVE_DATA', message, fix });

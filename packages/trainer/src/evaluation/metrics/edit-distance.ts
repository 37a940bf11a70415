import { metricInput } from './check-pairs';

/**
 * How many insertions, deletions and replacements turn one sequence into another (Levenshtein).
 *
 * @param from a text, compared by characters, or a list, such as words
 * @param to the other, of the same kind
 * @returns the smallest number of edits
 * @throws E_METRIC_INPUT for anything but two texts or two lists
 *
 * Wagner and Fischer: "The String-to-String Correction Problem" (1974).
 *
 * @example
 * ```ts
 * import { editDistance } from '@tesserae/trainer';
 * console.log(editDistance('kitten', 'sitting'), editDistance(['a', 'cat'], ['the', 'cat', 'sat'])); // → 3 2
 * ```
 */
export function editDistance(from: string | readonly string[], to: string | readonly string[]): number {
  const [a, b] = [from, to].map((value) => {
    if (typeof value === 'string') return Array.from(value);
    if (Array.isArray(value)) return value as readonly string[];
    throw metricInput('editDistance', `a sequence is ${value === null ? 'null' : typeof value}`, 'give texts or lists');
  });
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const kept = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(kept, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
}

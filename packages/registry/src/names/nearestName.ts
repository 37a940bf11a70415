/**
 * Finds the known name that a misspelt one most likely meant, by edit distance.
 *
 * The distance counts insertions, deletions, substitutions and swaps of neighbours, each one step, letter case free.
 * A name further away than a third of the longer name's length is no match.
 *
 * @param name what was written
 * @param known the names there are, in order of preference where several are as near
 * @returns the nearest known name, or undefined when none is near
 *
 * @example
 * ```ts
 * import { nearestName } from '@tesserae/registry';
 *
 * console.log(nearestName('adamv', ['sgd', 'adamw'])); // → adamw
 * console.log(nearestName('lion', ['sgd', 'adamw'])); // → undefined
 * ```
 */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  let nearest: string | undefined;
  let least = Infinity;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    const near = distance <= Math.max(1, Math.floor(Math.max(name.length, candidate.length) / 3));
    if (near && distance < least) [nearest, least] = [candidate, distance];
  }
  return nearest;
}

/** Optimal string alignment (Damerau, 1964), three rows at a time. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      row[j] = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) row[j] = Math.min(row[j]!, before[j - 2]! + 1);
    }
    [before, last] = [last, row];
  }
  return last[b.length]!;
}

import { checkPairs, metricInput } from './check-pairs';

/** What a text may be: one text, or any of several. */
export type References = string | readonly string[];

/** References as a list. */
export const listOf = (references: References): readonly string[] =>
  typeof references === 'string' ? [references] : references;

/** @throws E_METRIC_INPUT unless there is one text and one or more references for it, a sample */
export function checkTexts(metric: string, predictions: readonly string[], references: readonly References[]): void {
  checkPairs(metric, ['predictions', predictions], ['references', references]);
  const text = (value: unknown): boolean => typeof value === 'string';
  predictions.forEach((prediction, i) => {
    if (!text(prediction)) throw metricInput(metric, `prediction ${i} is ${typeof prediction}, not text`, 'give texts');
    const of = references[i] as unknown;
    if (text(of) || (Array.isArray(of) && of.length > 0 && of.every(text))) return;
    throw metricInput(metric, `the references of sample ${i} are no texts`, 'give a text, or a list of at least one');
  });
}

/** Text cut at white space, as Python's `str.split()` cuts it. */
export const splitWords = (text: string): string[] =>
  // Python counts the four separators \x1c to \x1f as white space
  text
    .split(/[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/)
    .filter((word) => word !== '');

/** How often each key occurs. */
export function countOf(keys: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

/** How many keys two lists share, each counted as often as it stands in both. */
export function overlap(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number {
  let shared = 0;
  for (const [key, count] of a) shared += Math.min(count, b.get(key) ?? 0);
  return shared;
}

/** The n-grams of a list of words, each as one key. */
export const nGrams = (words: readonly string[], n: number): string[] =>
  Array.from({ length: Math.max(0, words.length - n + 1) }, (_, i) => words.slice(i, i + n).join('\u0000'));

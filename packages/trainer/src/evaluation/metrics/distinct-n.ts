import { metricInput } from './check-pairs';
import { nGrams, splitWords } from './references';

/** @throws E_METRIC_INPUT unless the value is a list of texts with something in it */
export function checkTextList(metric: string, texts: unknown): asserts texts is readonly string[] {
  if (!Array.isArray(texts) || texts.length === 0)
    throw metricInput(metric, 'there are no texts', 'give a list of at least one');
  const wrong = texts.findIndex((text) => typeof text !== 'string');
  if (wrong >= 0) throw metricInput(metric, `text ${wrong} is ${typeof texts[wrong]}`, 'give texts');
}

/**
 * How varied texts are: the share of their n-grams of words that are different from each other.
 *
 * distinct-n = |set of n-grams| / |n-grams|, over all texts together, in lower case
 *
 * It falls as texts grow in number or length, so compare only what is of like size.
 *
 * @param texts [N]
 * @param n words of an n-gram: 2
 * @returns from 0 to 1; 0 where no text has n words
 * @throws E_METRIC_INPUT for a list that is empty or holds something else, or an n that is no whole number ≥ 1
 *
 * Li et al.: "A Diversity-Promoting Objective Function for Neural Conversation Models" (2016), section 5.1.
 *
 * @example
 * ```ts
 * import { distinctN } from '@tesserae/trainer';
 * console.log(distinctN(['a b c', 'a b d'], 1).toFixed(2), distinctN(['a b c', 'a b d'], 2)); // → 0.67 0.75
 * ```
 */
export function distinctN(texts: readonly string[], n = 2): number {
  checkTextList('distinctN', texts);
  if (!Number.isSafeInteger(n) || n < 1)
    throw metricInput('distinctN', `n is ${String(n)}`, 'give a whole number from 1 up');
  const seen = new Set<string>();
  let all = 0;
  for (const text of texts) {
    const grams = nGrams(splitWords(text.toLowerCase()), n);
    all += grams.length;
    for (const gram of grams) seen.add(gram);
  }
  return all === 0 ? 0 : seen.size / all;
}

import { metricInput } from './check-pairs';

/** What is looked for: documents by their name or number, equally good, or each with a gain. */
export type Relevant = Iterable<DocumentKey> | ReadonlyMap<DocumentKey, number>;

/** The name or number of a document. */
export type DocumentKey = string | number;

const gainsOf = (relevant: Relevant): ReadonlyMap<DocumentKey, number> =>
  typeof (relevant as ReadonlyMap<DocumentKey, number>).get === 'function'
    ? (relevant as ReadonlyMap<DocumentKey, number>)
    : new Map(Array.from(relevant as Iterable<DocumentKey>, (document) => [document, 1]));

function check(metric: string, relevant: Relevant, k: number): ReadonlyMap<DocumentKey, number> {
  if (!(k >= 1)) throw metricInput(metric, `k is ${String(k)}`, 'use a whole number from 1 up');
  const gains = gainsOf(relevant);
  const found = new Map([...gains].filter(([, gain]) => gain > 0));
  if (found.size > 0) return found;
  throw metricInput(metric, 'nothing is relevant for a query', 'leave out queries without a relevant document');
}

/**
 * The share of the relevant documents that stand among the first k of a ranking.
 *
 * @param ranking documents, the best first
 * @param relevant the relevant documents
 * @param k how far one looks
 * @returns from 0 to 1
 * @throws E_METRIC_INPUT when nothing is relevant or k is below 1
 *
 * @example
 * ```ts
 * import { recallAtK } from '@tesserae/trainer';
 * console.log(recallAtK(['a', 'b', 'c', 'd'], ['b', 'd'], 2)); // → 0.5
 * ```
 */
export function recallAtK(ranking: ArrayLike<DocumentKey>, relevant: Relevant, k: number): number {
  const gains = check('recallAtK', relevant, k);
  const first = new Set(Array.from(ranking).slice(0, k));
  return [...gains.keys()].filter((document) => first.has(document)).length / gains.size;
}

/**
 * One over the place of the first relevant document of a ranking; its mean over queries is the MRR.
 *
 * @param ranking documents, the best first
 * @param relevant the relevant documents
 * @param k how far one looks; to the end when absent
 * @returns 1/place, or 0 where none is found
 * @throws E_METRIC_INPUT when nothing is relevant or k is below 1
 *
 * @example
 * ```ts
 * import { reciprocalRank } from '@tesserae/trainer';
 * console.log(reciprocalRank(['a', 'b', 'c', 'd'], ['b', 'd'])); // → 0.5
 * ```
 */
export function reciprocalRank(ranking: ArrayLike<DocumentKey>, relevant: Relevant, k: number = Infinity): number {
  const gains = check('reciprocalRank', relevant, k);
  for (let i = 0; i < Math.min(k, ranking.length); i++) if (gains.has(ranking[i])) return 1 / (i + 1);
  return 0;
}

const discounted = (gains: readonly number[]): number =>
  gains.reduce((sum, gain, i) => sum + gain / Math.log2(i + 2), 0);

/**
 * The normalized discounted cumulative gain of the first k of a ranking.
 *
 * nDCG = Σᵢ gᵢ / log₂(i + 1) over the places i = 1 … k, divided by the same sum of the best possible ranking
 *
 * @param ranking documents, the best first
 * @param relevant the relevant documents, or a map from each to its gain
 * @param k how far one looks
 * @returns from 0 to 1
 * @throws E_METRIC_INPUT when nothing is relevant or k is below 1
 *
 * Järvelin and Kekäläinen: "Cumulated gain-based evaluation of IR techniques" (2002); `ndcg_score` of scikit-learn.
 *
 * @example
 * ```ts
 * import { ndcgAtK } from '@tesserae/trainer';
 * console.log(ndcgAtK(['a', 'b', 'c'], new Map([['b', 2], ['a', 1]]), 10).toFixed(3)); // → 0.860
 * ```
 */
export function ndcgAtK(ranking: ArrayLike<DocumentKey>, relevant: Relevant, k: number): number {
  const gains = check('ndcgAtK', relevant, k);
  const found = Array.from(ranking)
    .slice(0, k)
    .map((document) => gains.get(document) ?? 0);
  const best = [...gains.values()].sort((a, b) => b - a).slice(0, k);
  return discounted(found) / discounted(best);
}

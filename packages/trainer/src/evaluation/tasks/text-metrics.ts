import { nearestName } from '@tesserae/registry';
import { bleuOfStatistics, bleuStatistics, sumStatistics } from '../metrics/bleu';
import { chrfOfStatistics, chrfStatistics } from '../metrics/chrf';
import { exactMatch, tokenF1 } from '../metrics/exact-match';
import { listOf } from '../metrics/references';
import type { References } from '../metrics/references';
import { rougeOf } from '../metrics/rouge';
import { badData } from '../evaluation-errors';

/** A score of texts against references: what each text adds, and the score of any number of them. */
export interface TextMetric {
  readonly name: string;
  /** What one text adds to the score. */
  statistics(prediction: string, references: References): readonly number[];
  /** The score of what several texts added. */
  score(statistics: readonly (readonly number[])[]): number;
}

const mean = (rows: readonly (readonly number[])[]): number =>
  rows.reduce((sum, [value]) => sum + value, 0) / rows.length;

const meanOf = (name: string, of: (prediction: string, references: References) => number): TextMetric => ({
  name,
  statistics: (prediction, references) => [of(prediction, references)],
  score: mean,
});

const plusPlus = { wordOrder: 2 };

/** The metrics that have a name. */
const known: Readonly<Record<string, TextMetric>> = Object.fromEntries(
  [
    meanOf('identical', (prediction, references) =>
      Number(listOf(references).some((r) => r.trim() === prediction.trim())),
    ),
    meanOf('exactMatch', exactMatch),
    meanOf('tokenF1', tokenF1),
    {
      name: 'bleu',
      statistics: (prediction: string, references: References) => bleuStatistics(prediction, references),
      score: (rows: readonly (readonly number[])[]) => bleuOfStatistics(sumStatistics(rows)).score,
    },
    {
      name: 'chrf',
      statistics: (prediction: string, references: References) => chrfStatistics(prediction, references),
      score: (rows: readonly (readonly number[])[]) => chrfOfStatistics(sumStatistics(rows)),
    },
    {
      name: 'chrfPlusPlus',
      statistics: (prediction: string, references: References) => chrfStatistics(prediction, references, plusPlus),
      score: (rows: readonly (readonly number[])[]) => chrfOfStatistics(sumStatistics(rows), plusPlus),
    },
    ...(['rouge1', 'rouge2', 'rougeL', 'rougeLsum'] as const).map((name) =>
      meanOf(name, (prediction, references) => rougeOf(prediction, references)[name].f1),
    ),
  ].map((metric) => [metric.name, metric]),
);

/** Names of metrics for texts. */
export type TextMetricName =
  | 'identical'
  | 'exactMatch'
  | 'tokenF1'
  | 'bleu'
  | 'chrf'
  | 'chrfPlusPlus'
  | 'rouge1'
  | 'rouge2'
  | 'rougeL'
  | 'rougeLsum';

/** A metric by its name, or one of the caller's own. @throws E_EVALUATION_DATA for an unknown name */
export function textMetric(metric: TextMetricName | TextMetric): TextMetric {
  if (typeof metric !== 'string') return metric;
  if (Object.hasOwn(known, metric)) return known[metric];
  const nearest = nearestName(metric, Object.keys(known));
  throw badData(
    'text-generation',
    `there is no metric '${String(metric)}'${nearest === undefined ? '' : `; did you mean '${nearest}'?`}`,
    `use one of ${Object.keys(known).join(', ')}, or a metric of your own`,
  );
}

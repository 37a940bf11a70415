import type { EvaluationRecord } from '../loop/history';

/** Which score of an evaluation counts, and which way is better. */
export interface ScoreChoice {
  /** `loss`, or one of the evaluation's metrics: `loss`. */
  readonly metric?: string;
  /** Whether low or high values are good: `lowest` for `loss`, else `highest`. */
  readonly direction?: 'lowest' | 'highest';
}

/** The score of an evaluation, turned so that lower is better; `NaN` when it has none of that name. */
export function costOf({ loss, metrics }: EvaluationRecord, { metric = 'loss', direction }: ScoreChoice): number {
  const value = metric === 'loss' ? loss : (metrics?.[metric] ?? NaN);
  return (direction ?? (metric === 'loss' ? 'lowest' : 'highest')) === 'lowest' ? value : -value;
}

/** The best of some evaluations, the earliest when several are; `undefined` when none has the score. */
export function bestOf(evaluations: readonly EvaluationRecord[], choice: ScoreChoice): EvaluationRecord | undefined {
  let best: EvaluationRecord | undefined;
  for (const record of evaluations) {
    const cost = costOf(record, choice);
    if (Number.isFinite(cost) && (best === undefined || cost < costOf(best, choice))) best = record;
  }
  return best;
}

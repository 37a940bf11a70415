import { tesseraeError } from '@tesserae/registry';
import type { EvaluationRecord } from '../loop/history';

/** A callback looks at a score that the evaluations do not take. */
export function metricMissing(speaker: string, metric: string, { metrics }: EvaluationRecord): Error {
  const known = ['loss', ...Object.keys(metrics ?? {})];
  return tesseraeError({
    package: 'trainer',
    plugin: speaker,
    code: 'E_METRIC',
    message: `the evaluation has no score '${metric}'; it has ${known.join(', ')}`,
    fix: `use one of those, or give train a function metrics that takes '${metric}'`,
    details: { metric, known },
  });
}

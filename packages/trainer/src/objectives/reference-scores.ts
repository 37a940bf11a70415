import { createProgress } from '@tesserae/display';
import type { Model } from '@tesserae/core';
import { scoreLabels } from '../evaluation/forward/score-labels';
import { evaluationAborted } from '../evaluation/aborted';
import type { ObjectiveSettings } from './objective';
import type { PreferenceRows } from './preference-rows';

/**
 * The log-probabilities that a model gives both answers of each pair, in nats: what a policy is held to. The answers of a pair
 * stand one after the other.
 *
 * @throws E_ABORTED when the signal came
 */
export async function referenceScores(
  reference: Model,
  pairs: readonly PreferenceRows[],
  { evaluationRows, progress = false, signal }: ObjectiveSettings,
): Promise<(readonly [chosen: number, rejected: number])[]> {
  const rows = pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]).map((row) => ({ ...row }));
  const bar = progress
    ? createProgress({ total: rows.length, label: 'log-probabilities of the reference', unit: 'answer' })
    : undefined;
  let done = 0;
  try {
    const surprise = await scoreLabels(reference, rows, {
      batchSize: evaluationRows,
      signal,
      begin: () => undefined,
      async advance(count) {
        bar?.update((done += count));
        await new Promise((resolve) => setTimeout(resolve, 0)); // timers and signals have their turn
        if (signal?.aborted === true) throw evaluationAborted();
      },
    });
    return pairs.map((_, i) => [-surprise[2 * i], -surprise[2 * i + 1]] as const);
  } finally {
    bar?.end();
  }
}

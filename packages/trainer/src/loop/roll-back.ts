import type { RollbackRequest } from '../callbacks/callback';
import { bestOf } from '../callbacks/scores';
import type { RollbackRecord, StepRecord } from './history';
import type { Run } from './run';
import { stateOf, tensorOf } from './tensor-copies';

/** How many batches were left out so far: the batch of update n is number n - 1 plus these. */
export const skippedBatches = <C>({ history }: Run<C>): number => history.rollbacks.at(-1)?.skippedBatches ?? 0;

/** What is left of every learning rate. */
export const rateFactor = <C>({ history }: Run<C>): number => history.rollbacks.at(-1)?.rateFactor ?? 1;

/**
 * Takes the run back to a kept state: parameters, optimizer, records. Batches go on where they are, so that those since the
 * state are left out and a stream of data never turns round.
 *
 * @throws E_ROLLBACK when no state was kept
 */
export async function rollBack<C>(run: Run<C>, failed: StepRecord, request: RollbackRequest): Promise<void> {
  const { settings, history, step, kept, told, context, progress } = run;
  const state = kept.goBack(failed.step);
  const { skipMore = 0 } = request;
  const next = failed.step + skippedBatches(run); // the batch after the one that failed
  const record: RollbackRecord = {
    step: failed.step,
    to: state.step,
    loss: failed.loss,
    reason: request.reason,
    skippedBatches: next + skipMore - state.step,
    rateFactor: rateFactor(run) * (request.rateFactor ?? 1),
  };
  if (settings.stream) for (let i = 0; i < skipMore; i++) await settings.sampler(next + i); // a stream leaves nothing out by itself
  step.replace(state.parameters.map(tensorOf), stateOf(state.state));
  const before = <R extends { readonly step: number }>(records: R[]): R[] =>
    records.filter((one) => one.step <= state.step);
  history.steps = before(history.steps);
  history.evaluations = before(history.evaluations);
  history.best = bestOf(history.evaluations, settings.best);
  history.rollbacks.push(record);
  run.bestStates = before(run.bestStates);
  run.lastCheckpoint = undefined; // it may be of a step that was taken back
  run.takenBack = Math.max(run.takenBack, failed.step);
  run.made = state.step;
  progress.rolledBack(record);
  await told.tell((callback) => callback.onRollback?.(record, context));
}

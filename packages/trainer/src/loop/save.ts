import type { Model } from '@tesserae/core';
import { bestOf } from '../callbacks/scores';
import { checkpointPath, pruneCheckpoints, writeCheckpoint } from '../checkpoints/index';
import type { Run } from './run';

/** Writes a checkpoint when the signal came, unless the last one is of this step. */
export async function saveWhenAborted<C>(run: Run<C>): Promise<void> {
  const { checkpoint } = run.settings;
  if (checkpoint === undefined || run.made === 0) return;
  if (run.lastCheckpoint !== checkpointPath(checkpoint.folder, run.made)) await save(run);
}

/** Writes a checkpoint of the present state and removes those that are no longer wanted. */
export async function save<C>(run: Run<C>): Promise<void> {
  const { model, settings, step, history, made, told, kept, context } = run;
  const { folder, keep, alsoWrite } = settings.checkpoint!;
  const target = checkpointPath(folder, made);
  await writeCheckpoint(target, {
    parameters: step.saved(),
    optimizerState: step.state(),
    state: {
      step: made,
      identity: settings.identity,
      steps: history.steps,
      evaluations: history.evaluations,
      best: history.best,
      data: settings.stream?.state(),
      rollbacks: history.rollbacks,
      callbacks: told.states(),
      kept: kept.all.map((one) => ({ step: one.step, settleSteps: one.settleSteps })),
    },
    kept: kept.all.filter((one) => one.step !== made),
    alsoWrite: alsoWrite && ((staging) => alsoWrite({ ...model, params: step.params() } as unknown as Model, staging)),
  });
  run.lastCheckpoint = target;
  await pruneCheckpoints(folder, {
    step: made,
    keep,
    protect: bestSteps(run),
    takenBack: run.takenBack,
    damaged: run.damaged,
  });
  run.takenBack = 0;
  const record = { step: made, folder: target };
  history.checkpoints.push(record);
  await told.tell((callback) => callback.onCheckpoint?.(record, context));
}

/** The best evaluation now, and those that would be the best again if the run went back. */
function bestSteps<C>({ settings, history, kept }: Run<C>): ReadonlySet<number> {
  if (!settings.checkpoint!.keepBest) return new Set();
  const upTo = (step: number): number | undefined =>
    bestOf(
      history.evaluations.filter((one) => one.step <= step),
      settings.best,
    )?.step;
  const steps = [history.best?.step, ...kept.all.map(({ step }) => upTo(step))];
  return new Set(steps.filter((step): step is number => step !== undefined));
}

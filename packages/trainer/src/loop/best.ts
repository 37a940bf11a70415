import path from 'node:path';
import { bestOf } from '../callbacks/scores';
import { checkpointPath, readCheckpoint } from '../checkpoints/index';
import { isTesseraeError } from '@tesserae/registry';
import type { EvaluationRecord } from './history';
import { stateIn } from './restore';
import type { Run } from './run';
import { copyState, stateOf, tensorOf } from './tensor-copies';
import type { StateCopy } from './tensor-copies';

/** Takes note of an evaluation; true when it is the best so far. Keeps its state where no checkpoint will. */
export async function noteBest<C>(run: Run<C>, record: EvaluationRecord): Promise<boolean> {
  const { settings, history } = run;
  const best = bestOf(history.evaluations, settings.best);
  if (best !== record) return false;
  history.best = record;
  if (settings.best.restore === true && settings.checkpoint === undefined) await keepBest(run, record.step);
  return true;
}

/** Copies the present state, and drops those that no way back leads to. */
async function keepBest<C>(run: Run<C>, made: number): Promise<void> {
  const now = { step: made, copy: await copyState(run.step.parameters(), run.step.state()) };
  const wanted = run.kept.all.map(({ step }) => run.bestStates.filter((one) => one.step <= step).at(-1));
  run.bestStates = [...run.bestStates.filter((one) => wanted.includes(one)), now];
}

/** Puts the best evaluation's model in the place of the last one, when the options say so and it is another. */
export async function restoreBest<C>(run: Run<C>): Promise<void> {
  const { settings, history, made, step, told } = run;
  const { best } = history;
  if (settings.best.restore !== true || best === undefined || best.step === made) return;
  const copy = run.bestStates.find((one) => one.step === best.step)?.copy ?? (await bestOnDisk(run, best.step));
  if (copy === undefined) {
    told.warn({
      code: 'W_BEST_LOST',
      message: `the best model (after step ${best.step}) was not kept by the part of the run before; the last one is returned`,
    });
    return;
  }
  step.replace(copy.parameters.map(tensorOf), stateOf(copy.state));
  history.restored = best;
}

async function bestOnDisk<C>({ model, settings, history }: Run<C>, step: number): Promise<StateCopy | undefined> {
  const from = history.resumedFrom?.folder;
  const folder = settings.checkpoint?.folder ?? (from === undefined ? undefined : path.dirname(from));
  if (folder === undefined) return undefined;
  try {
    return stateIn(model, settings, await readCheckpoint(checkpointPath(folder, step)));
  } catch (error) {
    if (isTesseraeError(error, 'E_NOT_FOUND') || isTesseraeError(error, 'E_CHECKPOINT_TRUNCATED')) return undefined;
    throw error;
  }
}

import type { ArchitectureConfig, Model } from '@tesserae/core';
import type { TrainingContext, TrainingWarning } from '../callbacks/callback';
import { prepareFolder } from '../checkpoints/index';
import { contextOf, createDispatcher } from './dispatch';
import type { Dispatcher } from './dispatch';
import type { HistoryInProgress, TrainingHistory } from './history';
import { createKeptStates } from './kept-states';
import type { KeptStates } from './kept-states';
import { openProgress } from './progress';
import type { TrainingProgress } from './progress';
import { restoreRun } from './restore';
import type { Settings } from './settings';
import { createTrainingStep } from './step';
import type { TrainingStep } from './step';
import { copyState } from './tensor-copies';
import type { StateCopy } from './tensor-copies';

/** Everything that changes while a run goes on. */
export interface Run<C> {
  readonly model: Model<C>;
  readonly settings: Settings;
  readonly step: TrainingStep;
  readonly history: HistoryInProgress;
  readonly progress: TrainingProgress;
  readonly told: Dispatcher;
  readonly context: TrainingContext;
  readonly kept: KeptStates;
  /** Folders of checkpoints that were found damaged. */
  readonly damaged: ReadonlySet<string>;
  /** Updates made. */
  made: number;
  /** Up to which step this run had come before it went back; 0 when it did not. */
  takenBack: number;
  /** States of the best evaluation and of those before it that the run may go back to, where no checkpoint keeps them. */
  bestStates: { readonly step: number; readonly copy: StateCopy }[];
  lastCheckpoint: string | undefined;
  finished: boolean;
}

/** The history as it stands, with why it ended. */
export const historyOf = <C>({ history, told }: Run<C>, stopped: TrainingHistory['stopped']): TrainingHistory => ({
  ...history,
  stopped,
  ...(stopped === 'callback' && { stopReason: told.stopReason }),
});

/** Prepares a run: reads the checkpoint to go on from, if there is one, and makes the step. */
export async function openRun<C extends ArchitectureConfig>(model: Model<C>, settings: Settings): Promise<Run<C>> {
  const { callbacks, checkpoint, resume } = settings;
  const damaged = new Set<string>();
  if (checkpoint !== undefined) await prepareFolder(checkpoint.folder, resume === false, checkpoint.overwrite);
  const warnings: TrainingWarning[] = [];
  const restored = await restoreRun(model, settings, (warning) => void warnings.push(warning), damaged);
  const step = createTrainingStep(model, {
    optimizer: settings.optimizer,
    batchSize: settings.rows,
    microBatchSize: settings.microBatchSize,
    contextLength: settings.contextLength,
    objective: settings.objective,
    gradientClipNorm: settings.gradientClipNorm,
    gradientClipValue: settings.gradientClipValue,
    trainable: settings.trainable,
    gradients: settings.gradients,
    regularizers: settings.regularizers,
    precision: settings.precision,
    recompute: settings.recompute,
    chunkedLoss: settings.chunkedLoss,
    key: settings.dropoutKey,
    parameters: restored?.parameters,
    state: restored?.state,
  });
  const before = restored?.loaded.state;
  const made = before?.step ?? 0;
  settings.stream?.begin(made + (before?.rollbacks.at(-1)?.skippedBatches ?? 0), before?.data);
  const told = createDispatcher(callbacks, before?.callbacks);
  for (const warning of warnings) told.warn(warning);
  const run: Omit<Run<C>, 'context'> = {
    model,
    settings,
    step,
    history: {
      steps: [...(before?.steps ?? [])],
      evaluations: [...(before?.evaluations ?? [])],
      checkpoints: [],
      rollbacks: [...(before?.rollbacks ?? [])],
      best: before?.best,
      resumedFrom: restored && { step: made, folder: restored.loaded.folder },
    },
    progress: openProgress(settings, made),
    told,
    kept: createKeptStates(restored?.kept),
    damaged,
    made,
    takenBack: 0,
    bestStates: [],
    lastCheckpoint: restored?.loaded.folder,
    finished: false,
  };
  return Object.assign(run, { context: createContext(run) });
}

/** The run as callbacks see it. */
function createContext<C>(run: Omit<Run<C>, 'context'>): TrainingContext {
  const { model, settings, step, history, told, kept } = run;
  return {
    ...contextOf(told),
    get step() {
      return run.made;
    },
    steps: settings.steps,
    history,
    resume: settings.resume !== false,
    identity: settings.identity,
    get keptSteps() {
      return kept.all.map((one) => one.step);
    },
    model: () => ({ ...model, params: step.params() }) as unknown as Model,
    async keepState({ settleSteps = 0 } = {}) {
      kept.keep({
        ...(await copyState(step.parameters(), step.state())),
        step: run.made,
        settleSteps,
      });
    },
  };
}

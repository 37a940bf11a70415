import type { Model } from '@tesserae/core';
import type { Plain, RunIdentity } from '../checkpoints/index';
import type {
  CheckpointRecord,
  EvaluationRecord,
  RollbackRecord,
  StatisticsRecord,
  StepRecord,
  TrainingHistory,
} from '../loop/history';

/** Something that went wrong without stopping the run. */
export interface TrainingWarning {
  readonly code: `W_${string}`;
  readonly message: string;
}

/** Ends the run after this step; the history holds the reason. */
export interface StopRequest {
  readonly stop: string;
}

/** What a callback may give back: nothing, or `{ stop: 'why' }`; promises are awaited. */
export type CallbackAnswer = void | StopRequest | undefined | Promise<void | StopRequest | undefined>;

/** How a run goes back. */
export interface RollbackRequest {
  /** Why: the history and the logs hold it. */
  readonly reason: string;
  /** What is left of every learning rate from here on: 1. */
  readonly rateFactor?: number;
  /** Batches to leave out beyond those since the state that is gone back to: 0. */
  readonly skipMore?: number;
}

/** The run as a callback sees it. */
export interface TrainingContext {
  /** Updates made. */
  readonly step: number;
  /** Updates to make in all. */
  readonly steps: number;
  /** All that is known of the run so far; it grows. */
  readonly history: Omit<TrainingHistory, 'stopped'>;
  /** Whether the run was told to go on from where an earlier one was interrupted (it may have found nothing there). */
  readonly resume: boolean;
  /** What the run learns from and how, as its checkpoints remember it. */
  readonly identity: RunIdentity;
  /** After which steps the states were that `rollBack` may go back to; oldest first. */
  readonly keptSteps: readonly number[];
  /** The model as it stands, by its paths; it belongs to the run: read it, do not keep or dispose it. */
  model(): Model;
  /** Ends the run after this step, like an answer `{ stop }`. */
  stop(reason: string): void;
  /**
   * Keeps a copy of the present state, in memory and in checkpoints, for `rollBack`. A state takes the place of the one
   * before when it has lasted for `settleSteps` (0): what broke a run is often some steps older than the damage.
   */
  keepState(options?: { readonly settleSteps?: number }): Promise<void>;
  /**
   * Goes back to the kept state once this step's callbacks are through, and leaves out the batches since. The run is the
   * same whether it is interrupted and resumed in between or not.
   */
  rollBack(request: RollbackRequest): void;
  /** Hands a warning to whoever listens. */
  warn(warning: TrainingWarning): void;
}

/** Is told what happens in a run; every function is optional, and what it returns is awaited. */
export interface TrainingCallback {
  /** Whom errors and saved states are ascribed to; needed with `saveState`. */
  readonly name?: string;
  /** What it was made from, where the run depends on it: a checkpoint remembers it, and a resumption with another is warned of. */
  readonly hyperparameters?: Readonly<Record<string, number | string | boolean>>;
  /** Every so many steps gradients and weights are measured, for `onStatistics`; never when absent. */
  readonly statisticsEvery?: number;
  /** Whether it makes no sense in a run without evaluations. */
  readonly needsEvaluations?: boolean;
  /** Before the first step; `state` is what `saveState` gave when the checkpoint was written from which the run goes on. */
  readonly onStart?: (context: TrainingContext, state?: Plain) => CallbackAnswer;
  /** After every update. */
  readonly onStep?: (record: StepRecord, context: TrainingContext) => CallbackAnswer;
  /** After every look at the validation data. */
  readonly onEvaluate?: (record: EvaluationRecord, context: TrainingContext) => CallbackAnswer;
  /** After the steps whose gradients and weights were measured. */
  readonly onStatistics?: (record: StatisticsRecord, context: TrainingContext) => CallbackAnswer;
  /** When loss or gradients of an update are no numbers; unless it rolls back the run ends with E_NON_FINITE_LOSS. */
  readonly onNonFinite?: (record: StepRecord, context: TrainingContext) => CallbackAnswer;
  /** After the run went back to an earlier state. */
  readonly onRollback?: (record: RollbackRecord, context: TrainingContext) => CallbackAnswer;
  /** What a checkpoint keeps for this callback; called before each is written. */
  readonly saveState?: () => Plain;
  /** After a checkpoint is on the disk. */
  readonly onCheckpoint?: (record: CheckpointRecord, context: TrainingContext) => CallbackAnswer;
  /** Once, when the run ends or is aborted (not when it fails). */
  readonly onEnd?: (history: TrainingHistory, context: TrainingContext) => CallbackAnswer;
  /** Last of all, also when the run failed: lets go of files and timers. */
  readonly close?: () => void | Promise<void>;
  /** When something went wrong without stopping the run; a Node warning when no callback has it. */
  readonly onWarning?: (warning: TrainingWarning) => void;
}

declare module '@tesserae/registry' {
  interface PluginKinds {
    /** Is told what happens in a training run, and may end it or take it back. */
    callback: TrainingCallback;
  }
}

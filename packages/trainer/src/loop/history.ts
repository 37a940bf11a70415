/** One update, as it was when it was made. */
export interface StepRecord {
  /** The number of the update, counted from 1. */
  readonly step: number;
  /** Mean cross-entropy of the batch before the update, in nats per token. */
  readonly loss: number;
  /** The losses of an objective with several, and the penalty of regularizers, by name. */
  readonly parts?: Readonly<Record<string, number>> | undefined;
  /** Norm of all gradients together, before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** Tokens per second of this step, data and readback included. */
  readonly tokensPerSecond: number;
  /** How long the step waited for its batch. */
  readonly dataWaitMilliseconds?: number | undefined;
}

/** One look at the validation text. */
export interface EvaluationRecord {
  /** Updates made before it. */
  readonly step: number;
  /** Mean cross-entropy, in nats per token. */
  readonly loss: number;
}

/** One checkpoint that was written. */
export interface CheckpointRecord {
  /** Updates made before it. */
  readonly step: number;
  readonly folder: string;
}

/** All that is known of a run, across interruptions. */
export interface TrainingHistory {
  readonly steps: readonly StepRecord[];
  readonly evaluations: readonly EvaluationRecord[];
  /** Checkpoints written by this call; older ones may have been removed since. */
  readonly checkpoints: readonly CheckpointRecord[];
  /** The lowest validation loss so far, and after how many updates. */
  readonly best?: EvaluationRecord | undefined;
  /** Where the run was continued from, if it was. */
  readonly resumedFrom?: CheckpointRecord | undefined;
  /** `steps` when all steps were made, `aborted` when the signal came first, `failed` when the loss left the numbers. */
  readonly stopped: 'steps' | 'aborted' | 'failed';
}

/** A history that is still being written. */
export interface HistoryInProgress {
  steps: StepRecord[];
  evaluations: EvaluationRecord[];
  checkpoints: CheckpointRecord[];
  best?: EvaluationRecord | undefined;
  resumedFrom?: CheckpointRecord | undefined;
}

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
  /** What the loss was multiplied with for its gradients, where the precision scales it. */
  readonly lossScale?: number | undefined;
  /** Set where the gradients of a scaled loss were not finite: nothing was changed, and the scale was cut. */
  readonly skipped?: true | undefined;
  /** Tokens per second of this step, data and readback included. */
  readonly tokensPerSecond: number;
  /** Share of these tokens that is not padding, where rows are packed. */
  readonly fill?: number | undefined;
  /** How long the step waited for its batch. */
  readonly dataWaitMilliseconds?: number | undefined;
}

/** One look at the validation text. */
export interface EvaluationRecord {
  /** Updates made before it. */
  readonly step: number;
  /** Mean cross-entropy, in nats per token. */
  readonly loss: number;
  /** Further scores by name, where `train` was told how to take them. */
  readonly metrics?: Readonly<Record<string, number>>;
}

/** One time that a run went back to an earlier state. */
export interface RollbackRecord {
  /** The update that was not borne. */
  readonly step: number;
  /** Updates made in the state that was gone back to. */
  readonly to: number;
  /** The loss of that update; a number, `NaN` or `Infinity`. */
  readonly loss: number;
  readonly reason: string;
  /** Batches left out so far, those of earlier rollbacks included. */
  readonly skippedBatches: number;
  /** What is left of every learning rate. */
  readonly rateFactor: number;
}

/** Gradient and weights of one tensor, or of several together. */
export interface TensorStatistics {
  /** Euclidean norm of the gradient, before clipping. */
  readonly gradientNorm: number;
  readonly gradientMean: number;
  /** The largest magnitude in the gradient. */
  readonly gradientMaximum: number;
  /** Euclidean norm of the weights after the update. */
  readonly weightNorm: number;
  readonly weightMean: number;
  readonly weightMaximum: number;
  /** Norm of the update ÷ norm of the weights before it: about 1e-3 where training goes well. */
  readonly updateRatio: number;
  /** How many numbers. */
  readonly size: number;
}

/** Gradients and weights of one update, tensor by tensor and layer by layer. */
export interface StatisticsRecord {
  readonly step: number;
  /** By path in the model's tree. */
  readonly tensors: Readonly<Record<string, TensorStatistics>>;
  /** By layer, such as `layers.0`; tensors outside of layers stand alone. */
  readonly layers: Readonly<Record<string, TensorStatistics>>;
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
  /** The best evaluation so far: the one with the lowest loss, unless `best` says otherwise. */
  readonly best?: EvaluationRecord | undefined;
  /** Times that the run went back to an earlier state; the steps that it took back are not in `steps`. */
  readonly rollbacks: readonly RollbackRecord[];
  /** The evaluation whose model was given back, where `best.restore` found an earlier one to be the best. */
  readonly restored?: EvaluationRecord | undefined;
  /** Where the run was continued from, if it was. */
  readonly resumedFrom?: CheckpointRecord | undefined;
  /**
   * `steps` when all steps were made, `callback` when a callback ended the run, `aborted` when the signal came first,
   * `failed` when the loss left the numbers.
   */
  readonly stopped: 'steps' | 'callback' | 'aborted' | 'failed';
  /** What the callback that ended the run said. */
  readonly stopReason?: string | undefined;
}

/** A history that is still being written. */
export interface HistoryInProgress {
  steps: StepRecord[];
  evaluations: EvaluationRecord[];
  checkpoints: CheckpointRecord[];
  rollbacks: RollbackRecord[];
  best?: EvaluationRecord | undefined;
  restored?: EvaluationRecord | undefined;
  resumedFrom?: CheckpointRecord | undefined;
}

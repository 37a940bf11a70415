export { modelLeaves, treeWith } from './leaves';
export type { Leaf, Trainable } from './leaves';
export type { CheckpointRecord, EvaluationRecord, StepRecord, TrainingHistory } from './history';
export type { CheckpointOptions, TrainingCallbacks, TrainingWarning, TrainOptions } from './options';
export { createTrainingStep } from './step';
export type { StepResult, TrainingStep, TrainingStepOptions } from './step';
export { train } from './train';
export type { TrainingResult } from './train';

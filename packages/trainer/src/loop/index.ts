export { modelLeaves, treeWith } from './leaves';
export type { Leaf, Trainable } from './leaves';
export type { Callbacks } from './check-callbacks';
export type {
  CheckpointRecord,
  EvaluationRecord,
  RollbackRecord,
  StatisticsRecord,
  StepRecord,
  TensorStatistics,
  TrainingHistory,
} from './history';
export type { BestOptions, BucketingOptions, CheckpointOptions, TrainOptions } from './options';
export { createTrainingStep } from './step';
export type { StepRequest, StepResult, TrainingStep, TrainingStepOptions } from './step';
export { train } from './train';
export type { TrainingResult } from './train';

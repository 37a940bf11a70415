export { evaluateTasks } from './evaluate-tasks';
export type { TaskScores, TaskTest } from './evaluate-tasks';
export { multiTask } from './multi-task';
export type { MultiTaskOptions } from './multi-task';
export { createMultiTaskModel, taskModel } from './multi-task-model';
export type { MultiTaskModelOptions } from './multi-task-model';
export type { MultiTaskConfig, TaskHead, TaskHeads } from './task-head';
export { multiTaskPlugins } from './plugins';
export { progressSampling, sizeSampling, temperatureSampling } from './task-sampling';
export type {
  ProgressSamplingOptions,
  SizeSamplingOptions,
  TaskSampling,
  TemperatureSamplingOptions,
} from './task-sampling';
export { transferMatrix } from './transfer-matrix';
export type { TrainAndScore, TransferMatrix } from './transfer-matrix';

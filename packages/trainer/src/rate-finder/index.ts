export { findLearningRate } from './find-learning-rate';
export type { FindLearningRateOptions, LearningRateSearch } from './find-learning-rate';
export type { SweptRate } from './range-test';

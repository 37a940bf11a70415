export { describeAugmenterContract } from './augmenter-contract';
export type { AugmenterContract } from './augmenter-contract';
export { describeEvaluationContract } from './evaluation-contract';
export type { EvaluationContract } from './evaluation-contract';
export { describeObjectiveContract } from './objective-contract';
export type { ObjectiveContract } from './objective-contract';
export { describeOptimizerContract } from './optimizer-contract';
export type { OptimizerContract, ReferenceSteps, TestRunner } from './optimizer-contract';

export { describeOptimizerContract } from './optimizer-contract';
export type { OptimizerContract, ReferenceSteps, TestRunner } from './optimizer-contract';

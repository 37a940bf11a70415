export { describeOptimizerContract } from './optimizer-contract';
export type { OptimizerContract, ReferenceSteps } from './optimizer-contract';
export type { TestRunner } from '@tesserae/registry/testing';

export { describeOpContract } from './describeOpContract';
export type { OpCase, OpContractOptions, TestRunner } from './describeOpContract';

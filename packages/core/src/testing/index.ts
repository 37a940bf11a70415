export { describeAttentionContract } from './describeAttentionContract';
export type { AttentionCase, AttentionContractOptions } from './describeAttentionContract';
export { describeOpContract } from './describeOpContract';
export type { OpCase, OpContractOptions, TestRunner } from './describeOpContract';

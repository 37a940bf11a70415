export { createBatchSampler } from './batch-sampler';
export type { BatchSampler, BatchSamplerOptions, TokenBatch } from './batch-sampler';
export { readTextFile } from './read-text-file';
export { createTokenDataset } from './token-dataset';
export type { TokenDataset, TokenDatasetOptions, TokenSource } from './token-dataset';

export { createBatchSampler } from './batch-sampler';
export type { BatchSampler, BatchSamplerOptions, TokenBatch } from './batch-sampler';
export * from './cache/index';
export type { RowFormat } from './files/formats';
export type { DataRow } from './files/row-entry';
export { readTextFile } from './read-text-file';
export * from './rows/index';
export { createTokenDataset } from './token-dataset';
export type { TokenDataset, TokenDatasetOptions, TokenSource } from './token-dataset';

export { describeTokenizerContract } from './tokenizer-contract';
export type { TestRunner, TokenizerContract } from './tokenizer-contract';

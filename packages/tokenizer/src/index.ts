export type { DecodeOptions, DecodeStream, EncodeOptions, Tokenizer } from './interface/tokenizer';
export type { AddedTokenJson, TokenizerJson, TokenizerModelJson, TokenizerPartJson } from './interface/tokenizer-json';

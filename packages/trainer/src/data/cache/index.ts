export { openTokenCache } from './token-cache';
export type { TokenCache } from './token-cache';
export type { TokenStore } from './token-store';
export { tokenizeToCache } from './tokenize-to-cache';
export type { TokenizedCache, TokenizeToCacheOptions } from './tokenize-to-cache';

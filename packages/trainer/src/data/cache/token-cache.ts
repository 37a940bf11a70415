import { hashOf } from '../rows/row-core';
import type { SkippedRows } from '../rows/row-core';
import { readManifest } from './cache-format';
import type { CacheManifest } from './cache-format';
import { openStore } from './token-store';
import type { TokenStore } from './token-store';

/** Token ids on the disk, split as those of a `TokenDataset` are; `train` takes it as its data. */
export interface TokenCache {
  readonly folder: string;
  readonly train: TokenStore;
  /** May be empty. */
  readonly validation: TokenStore;
  /** Two with the same fingerprint hold the same ids. */
  readonly fingerprint: string;
  /** -1 when there is no id. */
  readonly largestId: number;
  /** Rows that were tokenized. */
  readonly rows: number;
  /** Rows that were passed over when it was made. */
  readonly skipped: SkippedRows;
  /** Closes its files. */
  close(): void;
}

/**
 * Opens a cache that `tokenizeToCache` has written. Lengths are checked now, contents when they are first read.
 *
 * @param folder the folder of the cache
 * @returns the ids, for `train(model, { data: cache, … })`; close it when it is not needed any more
 * @throws E_NOT_FOUND, E_CACHE_FOREIGN, E_CACHE_DAMAGED; E_CACHE_DAMAGED also while reading
 *
 * @example
 * ```ts
 * import { trainCharacterTokenizer } from '@tesserae/tokenizer';
 * import { openTokenCache, rowSource, tokenizeToCache } from '@tesserae/trainer';
 * const tokenizer = trainCharacterTokenizer('abc');
 * (await tokenizeToCache(rowSource([{ text: 'abc' }]), { tokenizer, folder: 'cache', validationFraction: 0 })).close();
 * const cache = await openTokenCache('cache');
 * console.log(cache.train.read(1, 3)); // → Int32Array(2) [ 1, 2 ]
 * cache.close();
 * ```
 */
export async function openTokenCache(folder: string): Promise<TokenCache> {
  return cacheOf(folder, await readManifest(folder));
}

/** The cache of a manifest that was checked. */
export function cacheOf(folder: string, manifest: CacheManifest): TokenCache {
  const train = openStore(folder, 'train', manifest);
  const validation = openStore(folder, 'validation', manifest);
  const { largestId, rows, skipped } = manifest;
  const cache: TokenCache = {
    folder,
    train,
    validation,
    fingerprint: hashOf('cache', manifest.train.sha256, manifest.validation.sha256),
    largestId,
    rows,
    skipped,
    close() {
      train.close();
      validation.close();
    },
  };
  return Object.defineProperty(cache, BRAND, { value: true });
}

const BRAND = /* @__PURE__ */ Symbol.for('tesserae.token-cache');

/** Whether a value is a cache of token ids. */
export const isTokenCache = (value: unknown): value is TokenCache =>
  typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[BRAND] === true;

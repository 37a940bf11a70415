import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { SkippedRow } from '../rows/row-core';
import { cacheDamaged, cacheForeign, cacheMissing } from './cache-errors';

export const CACHE_FORMAT = 'tesserae.token-cache';
export const CACHE_VERSION = 1;

/** The files of a cache; the manifest is written last, and the folder appears as a whole. */
export const cacheFiles = { manifest: 'cache.json', train: 'train.bin', validation: 'validation.bin' } as const;

/** Bytes that one checksum vouches for. */
export const BLOCK_BYTES = 2 ** 18;

/** One file of ids. */
export interface StoredSplit {
  readonly tokens: number;
  readonly sha256: string;
  /** CRC-32 of each block of {@link BLOCK_BYTES}. */
  readonly checksums: readonly number[];
}

/** What a cache says of itself. */
export interface CacheManifest {
  readonly format: typeof CACHE_FORMAT;
  readonly version: number;
  /** Hash of the content of the files, the tokenizer and the options that it was made from. */
  readonly madeFrom: string;
  /** 2 where every id fits, or 4; little-endian. */
  readonly bytesPerToken: 2 | 4;
  /** -1 when there is no id. */
  readonly largestId: number;
  readonly rows: number;
  readonly skipped: { readonly count: number; readonly examples: readonly SkippedRow[] };
  readonly train: StoredSplit;
  readonly validation: StoredSplit;
}

/**
 * Reads what a cache says of itself, and makes sure that its files are as long as it says.
 *
 * @throws E_NOT_FOUND when there is no such folder, E_CACHE_FOREIGN when it is something else, E_CACHE_DAMAGED
 */
export async function readManifest(folder: string): Promise<CacheManifest> {
  const there = await stat(folder).catch(() => undefined);
  if (there === undefined) throw cacheMissing(folder);
  const text = await readFile(path.join(folder, cacheFiles.manifest), 'utf8').catch(() => undefined);
  if (text === undefined) throw cacheForeign(folder, `it has no ${cacheFiles.manifest}`);
  const manifest = parse(folder, text);
  for (const split of ['train', 'validation'] as const) {
    const bytes = await stat(path.join(folder, cacheFiles[split])).then(
      ({ size }) => size,
      () => -1,
    );
    const wanted = manifest[split].tokens * manifest.bytesPerToken;
    if (bytes === wanted) continue;
    throw cacheDamaged(folder, `${cacheFiles[split]} ${bytes < 0 ? 'is missing' : `has ${bytes} bytes of ${wanted}`}`);
  }
  return manifest;
}

function parse(folder: string, text: string): CacheManifest {
  let value: Partial<CacheManifest> | null;
  try {
    value = JSON.parse(text) as Partial<CacheManifest> | null;
  } catch {
    throw cacheDamaged(folder, `${cacheFiles.manifest} is not JSON`);
  }
  if (value?.format !== CACHE_FORMAT) throw cacheForeign(folder, `its ${cacheFiles.manifest} is of something else`);
  if (value.version !== CACHE_VERSION)
    throw cacheForeign(folder, `its version is ${String(value.version)}, and ${CACHE_VERSION} is read here`);
  const { bytesPerToken, largestId, train, validation, madeFrom } = value;
  const whole = isSplit(train, bytesPerToken) && isSplit(validation, bytesPerToken);
  if (
    (bytesPerToken === 2 || bytesPerToken === 4) &&
    Number.isSafeInteger(largestId) &&
    typeof madeFrom === 'string' &&
    whole
  )
    return value as CacheManifest;
  throw cacheDamaged(folder, `${cacheFiles.manifest} does not say what it should`);
}

const isSplit = (split: StoredSplit | undefined, bytesPerToken: number | undefined): boolean =>
  split !== undefined &&
  Number.isSafeInteger(split.tokens) &&
  split.tokens >= 0 &&
  typeof split.sha256 === 'string' &&
  Array.isArray(split.checksums) &&
  split.checksums.length === Math.ceil((split.tokens * (bytesPerToken ?? 0)) / BLOCK_BYTES);

import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { atomicWriteFolder } from '@tesserae/core';
import { isTesseraeError, tesseraeError } from '@tesserae/registry';
import type { Tokenizer } from '@tesserae/tokenizer';
import { checkOptions, required, rules } from '../../options';
import { emptyText } from '../data-errors';
import { hashOf } from '../rows/row-core';
import { isRowSource } from '../rows/row-source';
import type { RowSource } from '../rows/row-source';
import { textIds } from '../streams/text-events';
import { tokenizerPrint } from '../tokenizer-print';
import { CACHE_FORMAT, CACHE_VERSION, cacheFiles, readManifest } from './cache-format';
import type { CacheManifest } from './cache-format';
import { openSplitWriter } from './split-writer';
import type { SplitWriter } from './split-writer';
import { cacheOf } from './token-cache';
import type { TokenCache } from './token-cache';

/** Options of {@link tokenizeToCache}. */
export interface TokenizeToCacheOptions {
  /** Turns texts into ids. */
  readonly tokenizer: Tokenizer;
  /** A folder of its own for the cache. */
  readonly folder: string;
  /** The column that holds the text: `text`. */
  readonly column?: string;
  /** A token that stands after every text, as it is written in the vocabulary; none when absent. */
  readonly endToken?: string;
  /** Rows for validation; when absent a share of the source. */
  readonly validation?: RowSource<unknown>;
  /** Share of the rows, spread evenly, that is kept for validation: 0.1. */
  readonly validationFraction?: number;
  /** Is told after every thousand rows. */
  readonly onProgress?: (done: { readonly rows: number; readonly tokens: number }) => void;
  /** Stops the work: E_ABORTED, and nothing is left behind. */
  readonly signal?: AbortSignal;
}

/** A cache, and whether it was there. */
export interface TokenizedCache extends TokenCache {
  /** True when a cache of the same files, tokenizer and options was there already. */
  readonly reused: boolean;
}

/**
 * Tokenizes the texts of a source once and keeps the ids on the disk: 2 bytes each where the vocabulary fits, else 4.
 *
 * The folder appears as a whole, or not at all. It holds a hash of the files' content, the tokenizer and the options: a second
 * call with the same reuses it, with others writes it anew. A cache that is damaged is written anew, too; a folder that is
 * something else is never touched.
 *
 * @param source rows with a text
 * @param options tokenizer, folder, column, split
 * @returns the ids, for `train(model, { data: cache, … })`; close it when it is not needed any more
 * @throws E_ROW_TEXT, E_EMPTY_TEXT and what the source throws; E_CACHE_FOREIGN, E_ABORTED, E_OPTION, E_UNKNOWN_OPTION;
 *   E_DISK_FULL, E_NOT_WRITABLE, E_WRITE_FAILED
 *
 * @example
 * ```ts
 * import { trainCharacterTokenizer } from '@tesserae/tokenizer';
 * import { rowSource, tokenizeToCache } from '@tesserae/trainer';
 * const texts = rowSource(Array.from({ length: 20 }, () => ({ text: 'once upon a time' })));
 * const options = { tokenizer: trainCharacterTokenizer('once upon a time'), folder: 'cache' };
 * const cache = await tokenizeToCache(texts, options);
 * const again = await tokenizeToCache(texts, options);
 * console.log(cache.train.length, cache.validation.length, again.reused); // → 288 32 true
 * cache.close();
 * again.close();
 * ```
 */
export async function tokenizeToCache(
  source: RowSource<unknown>,
  options: TokenizeToCacheOptions,
): Promise<TokenizedCache> {
  checkCacheOptions(source, options);
  const { folder } = options;
  const madeFrom = await printOf(source, options);
  const found = await readManifest(folder).catch((error: unknown) => {
    if (isTesseraeError(error, 'E_NOT_FOUND') || isTesseraeError(error, 'E_CACHE_DAMAGED')) return undefined;
    throw error;
  });
  if (found?.madeFrom === madeFrom) return reopened(folder, found, true);
  let manifest: CacheManifest | undefined;
  await atomicWriteFolder(folder, async (staging) => {
    manifest = await writeSplits(staging, source, options, madeFrom);
    await writeFile(path.join(staging, cacheFiles.manifest), JSON.stringify(manifest));
  });
  return reopened(folder, manifest!, false);
}

function reopened(folder: string, manifest: CacheManifest, reused: boolean): TokenizedCache {
  return Object.defineProperty(cacheOf(folder, manifest), 'reused', { value: reused, enumerable: true }) as never;
}

async function printOf(
  source: RowSource<unknown>,
  { tokenizer, column = 'text', endToken, validation, validationFraction = 0.1 }: TokenizeToCacheOptions,
): Promise<string> {
  const settings = JSON.stringify([CACHE_VERSION, column, endToken ?? null, validation ? null : validationFraction]);
  const prints = [await source.fingerprint(), (await validation?.fingerprint()) ?? '', tokenizerPrint(tokenizer)];
  return hashOf(settings, ...prints);
}

async function writeSplits(
  staging: string,
  source: RowSource<unknown>,
  options: TokenizeToCacheOptions,
  madeFrom: string,
): Promise<CacheManifest> {
  const { tokenizer, column = 'text', validation, validationFraction: share = 0.1 } = options;
  const bytesPerToken = tokenizer.vocabSize <= 2 ** 16 ? 2 : 4;
  const writers: SplitWriter[] = [];
  const openWriter = async (name: string): Promise<SplitWriter> => {
    writers.push(await openSplitWriter(path.join(staging, name), bytesPerToken));
    return writers[writers.length - 1];
  };
  const done = { rows: 0, tokens: 0, largestId: -1 };
  const endId = endIdOf(options);
  const write = async (rows: RowSource<unknown>, writerOf: (row: number) => SplitWriter): Promise<void> => {
    let index = 0;
    for await (const row of rows) {
      if (options.signal?.aborted === true) throw aborted(done.rows);
      const ids = textIds(row, { tokenizer, column, endId });
      for (const id of ids) if (id > done.largestId) done.largestId = id;
      await writerOf(index++).push(ids);
      done.rows++;
      done.tokens += ids.length;
      if (done.rows % 1000 === 0) options.onProgress?.({ rows: done.rows, tokens: done.tokens });
    }
  };
  try {
    const train = await openWriter(cacheFiles.train);
    const kept = await openWriter(cacheFiles.validation);
    const isKept = (row: number): boolean => Math.floor((row + 1) * share) > Math.floor(row * share);
    await write(source, (row) => (validation === undefined && isKept(row) ? kept : train));
    if (validation !== undefined) await write(validation, () => kept);
    if (done.tokens === 0) throw emptyText('the source');
    options.onProgress?.({ rows: done.rows, tokens: done.tokens });
    const skipped = { count: source.skipped.count, examples: [...source.skipped.examples] };
    const head = { format: CACHE_FORMAT, version: CACHE_VERSION, madeFrom, bytesPerToken, skipped } as const;
    const { largestId, rows } = done;
    return { ...head, largestId, rows, train: await train.finish(), validation: await kept.finish() };
  } finally {
    for (const writer of writers) await writer.close();
  }
}

function endIdOf({ tokenizer, endToken }: TokenizeToCacheOptions): number | undefined {
  if (endToken === undefined) return undefined;
  const id = tokenizer.tokenToId(endToken);
  if (id !== undefined) return id;
  throw badOption(`the tokenizer has no token '${endToken}'`, 'give one of its vocabulary');
}

function checkCacheOptions(source: unknown, options: TokenizeToCacheOptions): void {
  checkOptions<TokenizeToCacheOptions>('tokenizeToCache', options, {
    tokenizer: required({
      expected: 'a tokenizer',
      test: (v) => typeof (v as Tokenizer | null)?.encode === 'function',
    }),
    folder: required(rules.string),
    column: rules.string,
    endToken: rules.string,
    validation: { expected: 'a source of rows', test: isRowSource },
    validationFraction: rules.fraction,
    onProgress: rules.function,
    signal: { expected: 'an AbortSignal', test: (v) => typeof (v as AbortSignal | null)?.aborted === 'boolean' },
  });
  endIdOf(options);
  if (!isRowSource(source)) throw badOption('the first argument is no source of rows', 'give what readRows returns');
  if (options.validation === undefined || options.validationFraction === undefined) return;
  throw badOption('both validation and validationFraction are given', 'give one of them');
}

const badOption = (message: string, fix: string): Error =>
  tesseraeError({ package: 'trainer', plugin: 'tokenizeToCache', code: 'E_OPTION', message, fix });

const aborted = (rows: number): Error =>
  tesseraeError({
    package: 'trainer',
    plugin: 'tokenizeToCache',
    code: 'E_ABORTED',
    message: `stopped by the signal after ${rows} rows; nothing was written`,
    fix: 'call it again',
    details: { rows },
  });

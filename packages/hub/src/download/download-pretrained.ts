import path from 'node:path';
import { readShardIndex } from '@tesserae/core';
import { createProgress } from '@tesserae/display';
import type { Progress } from '@tesserae/display';
import { isTesseraeError } from '@tesserae/registry';
import { cachedCommit, fileSize, linkBlob, repositoryCache, writeRef } from './cache';
import type { RepositoryCache } from './cache';
import { downloadFile } from './download-file';
import type { RemoteFile } from './download-file';
import { abortedError, diskError, missingFilesError, offlineError } from './errors';
import { INDEX, listRepository } from './list-repository';
import type { Repository } from './list-repository';
import { downloadSettings } from './options';
import type { DownloadOptions, DownloadSettings } from './options';

/** Files that are fetched at the same time. */
const PARALLEL = 4;

/** What a snapshot lacks to be a model: config, weights, shards. */
async function missingIn(snapshot: string): Promise<string[]> {
  const absent = async (names: readonly string[]): Promise<string[]> => {
    const sizes = await Promise.all(names.map((name) => fileSize(path.join(snapshot, name))));
    return names.filter((_, i) => sizes[i] === undefined);
  };
  const missing = await absent(['config.json']);
  if ((await absent(['model.safetensors'])).length === 0) return missing;
  if ((await absent([INDEX])).length > 0) return [...missing, `model.safetensors (or ${INDEX})`];
  return [...missing, ...(await absent([...new Set((await readShardIndex(path.join(snapshot, INDEX))).values())]))];
}

async function fromCache(cache: RepositoryCache, { id, revision }: DownloadSettings): Promise<string> {
  const commit = await cachedCommit(cache, revision);
  if (commit === undefined) throw offlineError(id, revision, ['everything'], cache.folder);
  const missing = await missingIn(cache.snapshot(commit));
  if (missing.length > 0) throw offlineError(id, revision, missing, cache.folder);
  return cache.snapshot(commit);
}

/** Runs tasks, a few at a time; the first failure stops those that have not begun. */
async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  let failed = false;
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined && !failed; item = queue.shift()) {
      try {
        await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: PARALLEL }, worker));
  const failure = results.find((result) => result.status === 'rejected');
  if (failure) throw failure.reason;
}

interface Snapshot {
  readonly cache: RepositoryCache;
  readonly commit: string;
  readonly settings: DownloadSettings;
}

async function fetchInto({ cache, commit, settings }: Snapshot, files: readonly RemoteFile[]): Promise<void> {
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const there = new Map<string, number>();
  let progress: Progress | undefined;
  const report = (file: string, bytes: number): void => {
    there.set(file, bytes);
    progress?.update([...there.values()].reduce((sum, one) => sum + one, 0));
  };
  const wanted: RemoteFile[] = [];
  for (const file of files) {
    const pointer = path.join(cache.snapshot(commit), file.path);
    if ((await fileSize(pointer)) === file.size) there.set(file.path, file.size);
    else wanted.push(file);
  }
  if (wanted.length === 0) return;
  if (settings.progress !== false) {
    const start = [...there.values()].reduce((sum, one) => sum + one, 0);
    const output = settings.progress === true ? {} : { output: settings.progress };
    progress = createProgress({ total, start, label: settings.id, unit: 'byte', memory: false, ...output });
  }
  try {
    await inParallel(wanted, async (file) => {
      const blob = await downloadFile(file, commit, cache, settings, (bytes) => report(file.path, bytes));
      await linkBlob(blob, path.join(cache.snapshot(commit), file.path));
    });
  } finally {
    progress?.end();
  }
}

/** The shards that a downloaded index names. */
async function shardsOf({ cache, commit, settings }: Snapshot, { files, weights }: Repository): Promise<RemoteFile[]> {
  if (!files.some(({ path: name }) => name === INDEX)) return [];
  const index = await readShardIndex(path.join(cache.snapshot(commit), INDEX));
  return [...new Set(index.values())].map((name) => {
    const file = weights.get(name);
    if (file) return file;
    throw missingFilesError(settings.id, `its index names ${name}, which it does not hold`, 'use another revision');
  });
}

async function download(cache: RepositoryCache, settings: DownloadSettings): Promise<string> {
  const repository = await listRepository(settings);
  const { commit, files } = repository;
  const snapshot: Snapshot = { cache, commit, settings };
  await fetchInto(snapshot, files);
  await fetchInto(snapshot, await shardsOf(snapshot, repository));
  await writeRef(cache, settings.revision, commit); // last: a name never points at an incomplete snapshot
  return cache.snapshot(commit);
}

/**
 * Brings a model from a Hugging Face hub into the local cache, as far as it is not there yet, and says where it is.
 *
 * Fetched is what a model needs: config, safetensors (one file or the shards that the index names), tokenizer, generation
 * config, chat templates. Downloads are continued where they broke off, also by a later call; contents are checked against
 * the hub's checksums before they get their name; several processes may ask for the same model at once. The cache is the
 * one that Hugging Face's own libraries use and lies where they have it. When the hub cannot be reached, a complete copy
 * in the cache is used.
 *
 * @param id the repository, `openai-community/gpt2`
 * @param options revision, cache folder, token, offline and how patient to be
 * @returns the folder of the snapshot, for `loadPretrained`
 * @throws E_REPOSITORY_ID, E_OPTION, E_UNKNOWN_OPTION; E_HUB_NOT_FOUND, E_HUB_REVISION, E_HUB_GATED, E_HUB_UNAUTHORIZED,
 *   E_HUB_FILES when the hub has no such model or does not give it; E_HUB_CONNECTION, E_HUB_HTTP, E_HUB_RESPONSE,
 *   E_HUB_CHECKSUM when it cannot be fetched; E_OFFLINE, which lists what is missing; E_ABORTED; E_DISK_FULL,
 *   E_NOT_WRITABLE; E_SHARD_INDEX, E_PATH_ESCAPE for a hostile index
 * @see https://huggingface.co/docs/huggingface_hub/guides/manage-cache
 * @example
 * ```ts
 * import { mkdtempSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import { downloadPretrained } from '@tesserae/hub';
 *
 * const cacheFolder = mkdtempSync(`${tmpdir()}/example-`); // empty
 * const code = await downloadPretrained('openai-community/gpt2', { cacheFolder, offline: true }).catch((e) => e.code);
 * console.log(code); // → E_OFFLINE
 * ```
 */
export async function downloadPretrained(id: string, options: DownloadOptions = {}): Promise<string> {
  const settings = await downloadSettings('downloadPretrained', id, options);
  if (settings.signal?.aborted) throw abortedError();
  const cache = await repositoryCache(id, settings.cacheFolder);
  if (settings.offline) return fromCache(cache, settings);
  try {
    return await download(cache, settings);
  } catch (error) {
    const { syscall } = error as NodeJS.ErrnoException;
    if (syscall !== undefined && !isTesseraeError(error)) throw diskError(error as NodeJS.ErrnoException, cache.folder);
    if (!isTesseraeError(error, 'E_HUB_CONNECTION')) throw error;
    return await fromCache(cache, settings).catch(() => {
      throw error;
    });
  }
}

import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, open, readFile, rename, rm, stat, symlink, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { atomicWrite } from '@tesserae/core';
import { pause } from './request';

/**
 * Where things stand in the cache that all of Hugging Face's libraries share: `blobs/` holds contents by their checksum,
 * `snapshots/COMMIT/` links names to them, `refs/` says which commit a branch or tag is.
 */
export interface RepositoryCache {
  readonly folder: string;
  blob(etag: string): string;
  /** What has arrived of a blob. */
  partial(etag: string): string;
  lock(etag: string): string;
  snapshot(commit: string): string;
  ref(revision: string): string;
}

export async function repositoryCache(id: string, cacheFolder: string | undefined): Promise<RepositoryCache> {
  const { getHFHubCachePath, getRepoFolderName } = await import('@huggingface/hub');
  const root = path.resolve(cacheFolder ?? getHFHubCachePath());
  const name = getRepoFolderName({ type: 'model', name: id });
  const folder = path.join(root, name);
  return {
    folder,
    blob: (etag) => path.join(folder, 'blobs', etag),
    // not the name that Python's library takes: it appends to its own without looking at what is in it
    partial: (etag) => path.join(folder, 'blobs', `${etag}.tesserae.incomplete`),
    lock: (etag) => path.join(root, '.locks', name, `${etag}.tesserae.lock`),
    snapshot: (commit) => path.join(folder, 'snapshots', commit),
    ref: (revision) => path.join(folder, 'refs', ...revision.split('/')),
  };
}

/** The size of a file, links followed; none when there is no file. */
export const fileSize = (file: string): Promise<number | undefined> =>
  stat(file).then(
    (found) => (found.isFile() ? found.size : undefined),
    () => undefined,
  );

/** The commit that a revision was when it was last asked for. */
export async function cachedCommit(cache: RepositoryCache, revision: string): Promise<string | undefined> {
  if (/^[0-9a-f]{40}$/.test(revision)) return revision;
  const text = await readFile(cache.ref(revision), 'utf8').catch(() => '');
  return /^[0-9a-f]{40}$/.test(text.trim()) ? text.trim() : undefined;
}

export async function writeRef(cache: RepositoryCache, revision: string, commit: string): Promise<void> {
  if (revision !== commit) await atomicWrite(cache.ref(revision), (out) => out.write(Buffer.from(commit)));
}

/** Gives a blob its name in a snapshot, at once; a copy where links are not permitted (Windows). */
export async function linkBlob(blob: string, pointer: string): Promise<void> {
  await mkdir(path.dirname(pointer), { recursive: true });
  const temporary = `${pointer}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await symlink(path.relative(path.dirname(pointer), blob), temporary).catch(async (error: NodeJS.ErrnoException) => {
      if (!['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes(error.code ?? '')) throw error;
      await copyFile(blob, temporary);
    });
    await rename(temporary, pointer);
  } finally {
    await rm(temporary, { force: true });
  }
}

const BEAT_MILLISECONDS = 2000;
const STALE_MILLISECONDS = 20_000;
const LOOK_MILLISECONDS = 100;

const holder = (): string => `${process.pid} ${hostname()}`;

function isDead(text: string): boolean {
  const [pid, host] = text.split(' ');
  if (host !== hostname()) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Removes a lock whose holder was killed. Two that do so at once at worst download twice: contents are checked. */
async function breakIfStale(file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (!found) return;
  const text = await readFile(file, 'utf8').catch(() => '');
  if (Date.now() - found.mtimeMs > STALE_MILLISECONDS || (text !== '' && isDead(text))) await rm(file, { force: true });
}

/** Runs one download of a blob at a time, over all processes that share the cache. */
export async function withLock<T>(file: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  await mkdir(path.dirname(file), { recursive: true });
  for (;;) {
    const handle = await open(file, 'wx').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return undefined;
      throw error;
    });
    if (handle) {
      await handle.writeFile(holder());
      await handle.close();
      break;
    }
    await breakIfStale(file);
    await pause(LOOK_MILLISECONDS, signal);
  }
  const beat = setInterval(() => void utimes(file, new Date(), new Date()).catch(() => undefined), BEAT_MILLISECONDS);
  beat.unref();
  try {
    return await work();
  } finally {
    clearInterval(beat);
    await rm(file, { force: true });
  }
}

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { isTesseraeError } from '@tesserae/registry';
import { fileSize, withLock } from './cache';
import type { RepositoryCache } from './cache';
import { checksumError, connectionError, isPassing, passing } from './errors';
import type { DownloadSettings } from './options';
import { failureOf, pause, pauseAfter, send, watch } from './request';
import type { Watch } from './request';

/** A file of a repository as the hub lists it. */
export interface RemoteFile {
  readonly path: string;
  readonly size: number;
  /** Its content's checksum, which is its name among the blobs: SHA-256 of large files, git's SHA-1 of others. */
  readonly etag: string;
  readonly algorithm: 'sha256' | 'git-sha1';
}

interface Transfer {
  readonly file: RemoteFile;
  readonly commit: string;
  readonly settings: DownloadSettings;
  readonly partial: string;
  /** Says how many bytes of the file are there. */
  report(bytes: number): void;
}

async function checksum(file: string, { algorithm, size }: RemoteFile): Promise<string> {
  const hash = createHash(algorithm === 'sha256' ? 'sha256' : 'sha1');
  if (algorithm === 'git-sha1') hash.update(`blob ${size}\0`);
  for await (const part of createReadStream(file, { highWaterMark: 2 ** 20 })) hash.update(part as Uint8Array);
  return hash.digest('hex');
}

/** Where an answer's bytes begin in the file, checked against what was asked for. */
function startOf(response: Response, have: number, size: number): number {
  if (response.status !== 206) return 0; // the server knows no ranges: from the beginning
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
  if (!range || Number(range[1]) !== have || (range[3] !== '*' && Number(range[3]) !== size)) {
    throw passing(`it answers with the range ${JSON.stringify(response.headers.get('content-range'))}`);
  }
  return have;
}

async function writeBody(
  response: Response,
  handle: FileHandle,
  start: number,
  transfer: Transfer,
  watched: Watch,
): Promise<void> {
  const { file, report } = transfer;
  let at = start;
  for await (const part of response.body ?? []) {
    watched.alive();
    const bytes = part as Uint8Array;
    if (at + bytes.byteLength > file.size) throw passing('it sends more than the file has', { cause: 'overlong' });
    for (let done = 0; done < bytes.byteLength;) {
      const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done, at + done);
      done += bytesWritten;
    }
    at += bytes.byteLength;
    report(at);
  }
  if (at < file.size) throw passing(`the connection ended after ${at} of ${file.size} bytes`);
}

/** Fetches what is missing of a file. @throws a `Passing` failure, or a coded error */
async function fetchRest(transfer: Transfer): Promise<void> {
  const { file, commit, settings, partial } = transfer;
  const have = (await fileSize(partial)) ?? 0;
  if (have > file.size) await rm(partial, { force: true });
  if (have === file.size && file.size > 0) return;
  const resume = have > 0 && have < file.size;
  const names = file.path.split('/').map(encodeURIComponent).join('/');
  const url = `${settings.endpoint}/${settings.id}/resolve/${commit}/${names}`;
  const watched = watch(settings);
  const handle = await open(partial, resume ? 'r+' : 'w');
  try {
    // identity: a length that counts compressed bytes says nothing
    const headers = { 'accept-encoding': 'identity', ...(resume && { range: `bytes=${have}-` }) };
    const response = await send(url, { headers }, settings, watched, file.path);
    const start = startOf(response, resume ? have : 0, file.size);
    if (start === 0) await handle.truncate(0);
    await writeBody(response, handle, start, transfer, watched);
    await handle.sync();
  } catch (error) {
    if (isPassing(error) || isTesseraeError(error)) throw error;
    if (['write', 'fsync', 'ftruncate'].includes((error as NodeJS.ErrnoException).syscall ?? '')) throw error;
    throw failureOf(error, settings, watched);
  } finally {
    watched.end();
    await handle.close();
  }
}

/** Fetches until all bytes are there; only failures without a new byte count. */
async function fetchAll(transfer: Transfer): Promise<void> {
  const { settings, partial } = transfer;
  let failures = 0;
  let arrived = (await fileSize(partial)) ?? 0;
  for (;;) {
    try {
      return await fetchRest(transfer);
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (error.cause === 'overlong') await rm(partial, { force: true });
      const now = (await fileSize(partial)) ?? 0;
      failures = now > arrived ? 1 : failures + 1;
      arrived = now;
      if (failures > settings.retries)
        throw connectionError(settings, `${transfer.file.path}: ${error.why}`, error.cause);
      await pause(pauseAfter(failures, error, settings), settings.signal);
    }
  }
}

/**
 * Brings a file's content into the cache, unless it is there: what an earlier try left is continued, the whole is checked,
 * and only then gets its name.
 *
 * @throws E_HUB_CHECKSUM, E_HUB_CONNECTION, E_ABORTED; the codes of `statusError`; what the file system says
 */
export async function downloadFile(
  file: RemoteFile,
  commit: string,
  cache: RepositoryCache,
  settings: DownloadSettings,
  report: (bytes: number) => void,
): Promise<string> {
  const blob = cache.blob(file.etag);
  const partial = cache.partial(file.etag);
  const present = async (): Promise<boolean> => (await fileSize(blob)) === file.size;
  await mkdir(path.dirname(blob), { recursive: true });
  if (!(await present())) {
    await withLock(cache.lock(file.etag), settings.signal, async () => {
      if (await present()) return; // another process was faster
      const transfer: Transfer = { file, commit, settings, partial, report };
      for (let tries = 1; ; tries++) {
        await fetchAll(transfer);
        const found = await checksum(partial, file);
        if (found === file.etag) break;
        await rm(partial, { force: true });
        report(0);
        if (tries === 2) throw checksumError(settings.id, file.path, file.etag, found);
      }
      await rename(partial, blob);
    });
  }
  report(file.size);
  return blob;
}

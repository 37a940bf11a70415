import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { tesseraeError } from '@tesserae/registry';
import { writeError } from './file-errors';

/** The file being written: bytes go to a temporary file until the writer returns. */
export interface AtomicFile {
  /** Appends bytes; resolves when the system has taken them all. */
  write(bytes: Uint8Array): Promise<void>;
  readonly bytesWritten: number;
}

/** One write call takes at most this much, so that progress and cancellation are never a whole file away. */
const WRITE_BYTES = 16 * 2 ** 20;

const machine = (): string => createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
const temporaryPrefix = (base: string): string => `.${base}.${machine()}.`;
const temporaryName = (base: string, ending: 'tmp' | 'old'): string =>
  `${temporaryPrefix(base)}${process.pid}.${randomBytes(6).toString('hex')}.${ending}`;
const exists = (target: string): Promise<boolean> =>
  stat(target).then(
    () => true,
    () => false,
  );

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
};

/**
 * Removes what a killed process of this machine left behind for the same target. A folder that was set aside and whose
 * successor never arrived is the only complete copy: it goes back to its place.
 */
async function sweep(folder: string, base: string): Promise<void> {
  const prefix = temporaryPrefix(base);
  for (const name of await readdir(folder)) {
    const [pid, , ending] = name.startsWith(prefix) ? name.slice(prefix.length).split('.') : [];
    if ((ending !== 'tmp' && ending !== 'old') || !/^\d+$/.test(pid) || alive(Number(pid))) continue;
    const left = path.join(folder, name);
    const target = path.join(folder, base);
    if (ending === 'old' && !(await exists(target))) await rename(left, target);
    else await rm(left, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Makes the names in a folder durable; systems that cannot sync a folder (Windows) need no such call. */
async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder, 'r');
    await handle.sync();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'EISDIR' && code !== 'EPERM' && code !== 'EINVAL' && code !== 'ENOTSUP') throw error;
  } finally {
    await handle?.close();
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength;) {
    const { bytesWritten } = await handle.write(bytes, at, Math.min(WRITE_BYTES, bytes.byteLength - at));
    at += bytesWritten; // the system may take less than asked, just before it runs out of space
  }
}

const checkPath = (target: string): string => {
  if (typeof target !== 'string' || target.length === 0 || target.includes('\0')) {
    throw tesseraeError({
      package: 'core',
      code: 'E_PATH',
      message: `expected a path, found ${JSON.stringify(target) ?? String(target)}`,
      fix: 'give a non-empty path without NUL characters',
    });
  }
  return path.resolve(target);
};

/**
 * Writes a file so that readers see either what was there before or all of the new content, whatever happens between:
 * temporary file in the same folder, write, fsync, rename, fsync of the folder.
 *
 * @param file path of the file; missing parent folders are made
 * @param writer gives the content, piece by piece; when it throws, nothing changes
 * @throws E_DISK_FULL when the disk (or quota) is full, E_NOT_WRITABLE when the place cannot be written to,
 *   E_WRITE_FAILED for other failures of the system, E_PATH for a path that is none; what the writer throws comes out as it is
 * @example
 * ```ts
 * import { mkdtempSync, readFileSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import path from 'node:path';
 * import { atomicWrite } from '@tesserae/core';
 * const file = path.join(mkdtempSync(path.join(tmpdir(), 'example-')), 'state.bin');
 * await atomicWrite(file, async (out) => {
 *   await out.write(new Uint8Array([1, 2]));
 *   await out.write(new Uint8Array([3]));
 * });
 * console.log(readFileSync(file).length); // → 3
 * ```
 */
export async function atomicWrite(file: string, writer: (out: AtomicFile) => Promise<void> | void): Promise<void> {
  const target = checkPath(file);
  const folder = path.dirname(target);
  const temporary = path.join(folder, temporaryName(path.basename(target), 'tmp'));
  let handle: FileHandle | undefined;
  try {
    await mkdir(folder, { recursive: true });
    await sweep(folder, path.basename(target));
    const opened = (handle = await open(temporary, 'wx'));
    let bytesWritten = 0;
    await writer({
      get bytesWritten() {
        return bytesWritten;
      },
      async write(bytes) {
        await writeAll(opened, bytes);
        bytesWritten += bytes.byteLength;
      },
    });
    await handle.sync();
    await handle.close();
    handle = undefined;
    await rename(temporary, target);
    await syncFolder(folder);
  } catch (error) {
    await handle?.close().catch(() => undefined);
    await rm(temporary, { force: true }).catch(() => undefined);
    throw writeError(error, file);
  }
}

async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const child = path.join(folder, entry.name);
    if (entry.isDirectory()) await syncTree(child);
    else if (entry.isFile()) {
      const handle = await open(child, 'r+');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    }
  }
  await syncFolder(folder);
}

/**
 * Writes a whole folder so that it appears at once and complete: the writer fills a temporary folder beside it, which is
 * synced and then renamed. A folder already there is set aside first and removed last.
 *
 * @param folder path of the folder; missing parent folders are made
 * @param writer fills the temporary folder it is given; when it throws, nothing changes
 * @throws E_DISK_FULL, E_NOT_WRITABLE, E_WRITE_FAILED, E_PATH as {@link atomicWrite}
 * @example
 * ```ts
 * import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import path from 'node:path';
 * import { atomicWriteFolder } from '@tesserae/core';
 * const root = mkdtempSync(path.join(tmpdir(), 'example-'));
 * await atomicWriteFolder(path.join(root, 'step-10'), async (staging) => {
 *   writeFileSync(path.join(staging, 'state.json'), '{}');
 * });
 * console.log(readdirSync(root)); // → [ 'step-10' ]
 * ```
 */
export async function atomicWriteFolder(
  folder: string,
  writer: (stagingFolder: string) => Promise<void> | void,
): Promise<void> {
  const target = checkPath(folder);
  const parent = path.dirname(target);
  const base = path.basename(target);
  const staging = path.join(parent, temporaryName(base, 'tmp'));
  const aside = path.join(parent, temporaryName(base, 'old'));
  let setAside = false;
  try {
    await mkdir(parent, { recursive: true });
    await sweep(parent, base);
    await mkdir(staging);
    await writer(staging);
    await syncTree(staging);
    if (await exists(target)) {
      await rename(target, aside);
      setAside = true;
    }
    await rename(staging, target);
    await syncFolder(parent);
    if (setAside) await rm(aside, { recursive: true, force: true });
  } catch (error) {
    if (setAside) await rename(aside, target).catch(() => undefined);
    await rm(staging, { recursive: true, force: true }).catch(() => undefined);
    throw writeError(error, folder);
  }
}

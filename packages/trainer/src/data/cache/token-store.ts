import { closeSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { tesseraeError } from '@tesserae/registry';
import { cacheDamaged } from './cache-errors';
import { BLOCK_BYTES, cacheFiles } from './cache-format';
import type { CacheManifest } from './cache-format';

/** Ids on the disk that can be read at any place. */
export interface TokenStore {
  /** How many ids there are. */
  readonly length: number;
  /** The ids from start on, end not included. */
  read(start: number, end: number): Int32Array;
}

/** A store, and what closes its file. */
export interface OpenStore extends TokenStore {
  close(): void;
}

/**
 * Opens one file of a cache. Ids are read by their place with one call to the system (Node has no memory maps; what is read
 * often stays in the system's page cache all the same), and a block is checked against its checksum when it is first touched.
 */
export function openStore(folder: string, split: 'train' | 'validation', manifest: CacheManifest): OpenStore {
  const { bytesPerToken } = manifest;
  const { tokens, checksums } = manifest[split];
  const checked = new Uint8Array(checksums.length);
  const name = cacheFiles[split];
  let file: number | undefined = openSync(path.join(folder, name), 'r');

  const readBytes = (start: number, length: number): Buffer => {
    const bytes = Buffer.allocUnsafe(length);
    for (let done = 0; done < length;) {
      const read = readSync(file!, bytes, done, length - done, start + done);
      if (read === 0) throw cacheDamaged(folder, `${name} ends after ${start + done} bytes`);
      done += read;
    }
    return bytes;
  };
  const check = (block: number): void => {
    const start = block * BLOCK_BYTES;
    const bytes = readBytes(start, Math.min(BLOCK_BYTES, tokens * bytesPerToken - start));
    if (crc32(bytes) !== checksums[block])
      throw cacheDamaged(
        folder,
        `bytes ${start} to ${start + bytes.length} of ${name} are not those that were written`,
      );
    checked[block] = 1;
  };

  return {
    length: tokens,
    read(start, end) {
      if (file === undefined) throw closed(folder);
      if (!(Number.isSafeInteger(start) && Number.isSafeInteger(end) && 0 <= start && start <= end && end <= tokens))
        throw outside(start, end, tokens);
      const [from, to] = [start * bytesPerToken, end * bytesPerToken];
      for (let block = Math.floor(from / BLOCK_BYTES); block * BLOCK_BYTES < to; block++)
        if (checked[block] === 0) check(block);
      const bytes = readBytes(from, to - from);
      const ids = new Int32Array(end - start);
      if (bytesPerToken === 2) for (let i = 0; i < ids.length; i++) ids[i] = bytes.readUInt16LE(2 * i);
      else for (let i = 0; i < ids.length; i++) ids[i] = bytes.readInt32LE(4 * i);
      return ids;
    },
    close() {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}

const closed = (folder: string): Error =>
  tesseraeError({
    package: 'trainer',
    plugin: 'tokenCache',
    code: 'E_CLOSED',
    message: `the token cache ${folder} was closed`,
    fix: 'open it again with openTokenCache',
  });

const outside = (start: number, end: number, tokens: number): Error =>
  tesseraeError({
    package: 'trainer',
    plugin: 'tokenCache',
    code: 'E_OPTION',
    message: `ids ${start} to ${end} were asked for, and there are ${tokens}`,
    fix: 'give 0 ≤ start ≤ end ≤ length',
  });

/** Whether ids are on the disk. */
export const isStore = (tokens: Int32Array | TokenStore): tokens is TokenStore => !ArrayBuffer.isView(tokens);

/** Ids from start on, end not included, wherever they are. */
export const readIds = (tokens: Int32Array | TokenStore, start: number, end: number): Int32Array =>
  isStore(tokens) ? tokens.read(start, end) : tokens.subarray(start, end);

import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { BLOCK_BYTES } from './cache-format';
import type { StoredSplit } from './cache-format';

/** Writes ids into a file, block by block. */
export interface SplitWriter {
  push(ids: Int32Array): Promise<void>;
  /** Writes what is left; the file is complete then. */
  finish(): Promise<StoredSplit>;
  /** Closes the file, complete or not. */
  close(): Promise<void>;
}

/** Opens a file for ids of so many bytes each. */
export async function openSplitWriter(file: string, bytesPerToken: 2 | 4): Promise<SplitWriter> {
  const handle = await open(file, 'w');
  const hash = createHash('sha256');
  const checksums: number[] = [];
  const block = Buffer.alloc(BLOCK_BYTES);
  let filled = 0;
  let tokens = 0;
  const flush = async (): Promise<void> => {
    const bytes = block.subarray(0, filled);
    hash.update(bytes);
    checksums.push(crc32(bytes));
    for (let done = 0; done < filled;) done += (await handle.write(block, done, filled - done)).bytesWritten;
    filled = 0;
  };
  return {
    async push(ids) {
      for (const id of ids) {
        if (bytesPerToken === 2) block.writeUInt16LE(id, filled);
        else block.writeInt32LE(id, filled);
        filled += bytesPerToken;
        if (filled === BLOCK_BYTES) await flush();
      }
      tokens += ids.length;
    },
    async finish() {
      if (filled > 0) await flush();
      return { tokens, sha256: hash.digest('hex'), checksums };
    },
    close: () => handle.close(),
  };
}

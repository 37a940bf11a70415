import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { badFormat, unreadableFile } from './file-errors';

/** Read at a time. */
const CHUNK_BYTES = 2 ** 20;

/** Whether a file is compressed, by its name. */
export const isCompressed = (file: string): boolean => /\.gz$/i.test(file);

/**
 * The bytes of a file from a place on, in chunks; those of a `.gz` file unpacked. A place in a packed file is reached by
 * unpacking what stands before it.
 *
 * @throws E_NOT_FOUND, E_NOT_READABLE; E_FILE_FORMAT when a `.gz` file is none, or ends too early
 */
export async function* readBytes(file: string, from = 0): AsyncGenerator<Buffer, void, undefined> {
  if (!isCompressed(file)) {
    const chunks = createReadStream(file, { start: from, highWaterMark: CHUNK_BYTES });
    try {
      for await (const chunk of chunks) yield chunk as Buffer;
    } catch (error) {
      throw unreadableFile(file, error);
    } finally {
      chunks.destroy();
    }
    return;
  }
  let before = from;
  for await (const chunk of unpack(file)) {
    if (before >= chunk.length) before -= chunk.length;
    else {
      yield before === 0 ? chunk : chunk.subarray(before);
      before = 0;
    }
  }
}

async function* unpack(file: string): AsyncGenerator<Buffer, void, undefined> {
  const packed = createReadStream(file, { highWaterMark: CHUNK_BYTES });
  const unpacked = createGunzip({ chunkSize: CHUNK_BYTES });
  let failure: Error | undefined;
  packed.once('error', (error) => {
    failure = unreadableFile(file, error);
    unpacked.destroy(error);
  });
  packed.pipe(unpacked);
  try {
    for await (const chunk of unpacked) yield chunk as Buffer;
  } catch (error) {
    throw failure ?? badFormat(file, `cannot be unpacked (${(error as Error).message})`, 'pack it again', error);
  } finally {
    packed.destroy();
    unpacked.destroy();
  }
}

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { unreadableFile } from './file-errors';

/** SHA-256 of a file; remembered while size, time and place on the disk stay the same. */
export async function contentHash(file: string): Promise<string> {
  const { size, mtimeMs, ino } = await stat(file).catch((error: unknown) => {
    throw unreadableFile(file, error);
  });
  const stamp = `${size},${mtimeMs},${ino}`;
  const known = hashes.get(file);
  if (known?.stamp === stamp) return known.hash;
  const sum = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 20 })) sum.update(chunk as Buffer);
  } catch (error) {
    throw unreadableFile(file, error);
  }
  const hash = sum.digest('hex');
  hashes.set(file, { stamp, hash });
  return hash;
}

const hashes = /* @__PURE__ */ new Map<string, { readonly stamp: string; readonly hash: string }>();

import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { TextDecoder } from 'node:util';
import { describeValue, tesseraeError } from '@tesserae/registry';
import { emptyText } from './data-errors';

/** Read at a time; large files are decoded as they come. */
const READ_BYTES = 2 ** 22;

/**
 * Reads a UTF-8 text file, and makes sure that it is one.
 *
 * A byte order mark at the beginning is left out. Files with NUL bytes or bytes that are not UTF-8 are refused, because
 * a model trained on them would learn noise.
 *
 * @param file path of the file
 * @returns its text
 * @throws E_NOT_TEXT for a binary file or another encoding, E_EMPTY_TEXT for a file without text, E_NOT_FOUND and
 *   E_NOT_READABLE when it cannot be read, E_TEXT_TOO_LONG when it exceeds the longest string of the engine
 *
 * @example
 * ```ts
 * import { mkdtempSync, writeFileSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import path from 'node:path';
 * import { readTextFile } from '@tesserae/trainer';
 * const file = path.join(mkdtempSync(path.join(tmpdir(), 'example-')), 'story.txt');
 * writeFileSync(file, 'Once upon a time …');
 * console.log(await readTextFile(file)); // → Once upon a time …
 * ```
 */
export async function readTextFile(file: string): Promise<string> {
  if (typeof file !== 'string' || file === '' || file.includes('\0')) {
    throw tesseraeError({
      package: 'trainer',
      code: 'E_OPTION',
      message: `expected the path of a text file, found ${describeValue(file)}`,
      fix: 'give a path',
    });
  }
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw unreadable(file, error);
  });
  try {
    const text = await decode(handle, file);
    if (text.trim() === '') throw emptyText(file);
    return text;
  } finally {
    await handle.close();
  }
}

async function decode(handle: FileHandle, file: string): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const buffer = Buffer.alloc(READ_BYTES);
  let text = '';
  for (let position = 0; ;) {
    const { bytesRead } = await handle.read(buffer, 0, READ_BYTES, position).catch((error: unknown) => {
      throw unreadable(file, error);
    });
    const bytes = buffer.subarray(0, bytesRead);
    const nul = bytes.indexOf(0);
    if (nul >= 0) throw notText(file, `it has a NUL byte at position ${position + nul}`);
    const piece = decodePiece(decoder, bytes, bytesRead > 0, file, position);
    if (text.length + piece.length > 2 ** 29 - 25) throw tooLong(file); // the engine's longest string
    text += piece;
    if (bytesRead === 0) return text;
    position += bytesRead;
  }
}

function decodePiece(decoder: TextDecoder, bytes: Uint8Array, more: boolean, file: string, position: number): string {
  try {
    return decoder.decode(bytes, { stream: more });
  } catch (cause) {
    const where = `between bytes ${position} and ${position + bytes.length}`;
    throw notText(file, `it is not valid UTF-8 ${more ? where : 'at its end'}`, cause);
  }
}

const notText = (file: string, why: string, cause?: unknown): Error =>
  tesseraeError({
    package: 'trainer',
    code: 'E_NOT_TEXT',
    message: `${file} is not a text file: ${why}`,
    fix: 'give plain text in UTF-8; convert other encodings first, for instance with iconv -t UTF-8',
    cause,
    details: { file },
  });

const tooLong = (file: string): Error =>
  tesseraeError({
    package: 'trainer',
    code: 'E_TEXT_TOO_LONG',
    message: `${file} has more characters than one string can hold`,
    fix: 'split the file, encode the parts one by one, and pass the token ids',
    details: { file },
  });

function unreadable(file: string, cause: unknown): Error {
  const errno = (cause as NodeJS.ErrnoException).code;
  const missing = errno === 'ENOENT' || errno === 'ENOTDIR';
  return tesseraeError({
    package: 'trainer',
    code: missing ? 'E_NOT_FOUND' : 'E_NOT_READABLE',
    message: missing ? `there is no file ${file}` : `cannot read ${file} (${errno ?? String(cause)})`,
    fix: missing ? 'check the path' : 'check that it is a file and that you may read it',
    cause,
    details: { file, errno },
  });
}

import { describeValue } from '@tesserae/registry';
import { tokenizerError } from '../errors/tokenizer-error';

/** Larger tokenizer files than this are not read: the largest real ones have about 40 MB. */
const LARGEST_FILE_BYTES = 512 * 1024 * 1024;

/** Node's file functions, asked for only when a file is used, so that browsers can load the rest. */
export function fileSystem(): typeof import('node:fs') {
  return builtin('node:fs');
}

export function pathFunctions(): typeof import('node:path') {
  return builtin('node:path');
}

function builtin<T>(name: string): T {
  const found = typeof process === 'undefined' ? undefined : process.getBuiltinModule?.(name);
  if (!found)
    throw fileError(
      `there are no files here (${name} is missing)`,
      'pass the content of tokenizer.json instead of its path',
    );
  return found as T;
}

export function fileError(message: string, fix: string, cause?: unknown): Error {
  return tokenizerError('E_TOKENIZER_FILE', message, fix, cause === undefined ? {} : { cause });
}

/** The bytes of a file, or of `name` inside it when it is a folder. */
export function readBytes(file: unknown, name: string): Uint8Array {
  if (typeof file !== 'string' || file === '') throw fileError(`the path is ${describeValue(file)}`, 'pass a path');
  const fs = fileSystem();
  let path = file;
  try {
    if (fs.statSync(path).isDirectory()) path = pathFunctions().join(path, name);
    const { size } = fs.statSync(path);
    if (size > LARGEST_FILE_BYTES)
      throw fileError(
        `${path} has ${size} bytes, more than a tokenizer file has (${LARGEST_FILE_BYTES})`,
        'check the path',
      );
    return fs.readFileSync(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'E_TOKENIZER_FILE') throw cause;
    throw fileError(`${path} cannot be read (${message})`, 'check the path and that it may be read', cause);
  }
}

/** The text of a file, or of `name` inside it when it is a folder. */
export function readTextFile(file: unknown, name: string): string {
  const bytes = readBytes(file, name);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw fileError(`${String(file)} is not UTF-8 text`, 'check that it is the file you mean', cause);
  }
}

/** The content of a JSON file. */
export function readJsonFile(file: unknown, name: string): unknown {
  const text = readTextFile(file, name);
  try {
    return JSON.parse(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw tokenizerError(
      'E_TOKENIZER_JSON',
      `${describeValue(file)} is not JSON (${why})`,
      'check that the file is complete, and download or save it again',
      { cause },
    );
  }
}

/** The first bytes of a file. */
export function openAtMost(file: string, most: number): Uint8Array {
  const fs = fileSystem();
  try {
    const handle = fs.openSync(file, 'r');
    try {
      const bytes = new Uint8Array(Math.min(fs.fstatSync(handle).size, most));
      let read = 0;
      for (let got = -1; read < bytes.length && got !== 0; read += got)
        got = fs.readSync(handle, bytes, read, bytes.length - read, read);
      return bytes.subarray(0, read);
    } finally {
      fs.closeSync(handle);
    }
  } catch (cause) {
    throw fileError(
      `${file} cannot be read (${(cause as Error).message})`,
      'check the path and that it may be read',
      cause,
    );
  }
}

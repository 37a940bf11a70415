import { describeValue, tokenizerError } from '../errors/tokenizer-error';

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

/** The text of a file, or of `name` inside it when it is a folder. */
export function readTextFile(file: unknown, name: string): string {
  if (typeof file !== 'string' || file === '') throw fileError(`the path is ${describeValue(file)}`, 'pass a path');
  const fs = fileSystem();
  let path = file;
  let bytes: Uint8Array;
  try {
    if (fs.statSync(path).isDirectory()) path = pathFunctions().join(path, name);
    const { size } = fs.statSync(path);
    if (size > LARGEST_FILE_BYTES)
      throw fileError(
        `${path} has ${size} bytes, more than a tokenizer file has (${LARGEST_FILE_BYTES})`,
        'check the path',
      );
    bytes = fs.readFileSync(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'E_TOKENIZER_FILE') throw cause;
    throw fileError(`${path} cannot be read (${message})`, 'check the path and that it may be read', cause);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw fileError(`${path} is not UTF-8 text`, 'check that it is the file you mean', cause);
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

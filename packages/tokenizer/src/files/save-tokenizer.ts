import { describeValue } from '@tesserae/registry';
import type { Tokenizer } from '../interface/tokenizer';
import { fileError, fileSystem, pathFunctions } from './read-file';

/**
 * Writes a tokenizer as Hugging Face's `tokenizer.json`, which the Python, Rust and JavaScript libraries read.
 *
 * The file appears whole or not at all: it is written beside its place, flushed to disk and then renamed.
 *
 * @param tokenizer any tokenizer
 * @param file the path to write, or a folder, in which the file is named `tokenizer.json`
 * @returns the path that was written
 * @throws E_TOKENIZER_FILE when it cannot be written
 *
 * @example
 * ```ts
 * import { mkdtempSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { loadTokenizer, saveTokenizer, trainCharacterTokenizer } from '@tesserae/tokenizer';
 *
 * const folder = mkdtempSync(join(tmpdir(), 'tokenizer-'));
 * saveTokenizer(trainCharacterTokenizer('hello world'), folder);
 * console.log(loadTokenizer(folder).vocabSize); // → 8
 * ```
 */
export function saveTokenizer(tokenizer: Tokenizer, file: string): string {
  if (typeof file !== 'string' || file === '') throw fileError(`the path is ${describeValue(file)}`, 'pass a path');
  const fs = fileSystem();
  const path = fs.statSync(file, { throwIfNoEntry: false })?.isDirectory()
    ? pathFunctions().join(file, 'tokenizer.json')
    : file;
  const unfinished = `${path}.${process.pid}.tmp`;
  let handle: number | undefined;
  try {
    handle = fs.openSync(unfinished, 'w');
    fs.writeFileSync(handle, JSON.stringify(tokenizer.toJSON(), null, 2));
    fs.fsyncSync(handle);
    fs.closeSync(handle);
    handle = undefined;
    fs.renameSync(unfinished, path);
  } catch (cause) {
    if (handle !== undefined) fs.closeSync(handle);
    fs.rmSync(unfinished, { force: true });
    throw fileError(
      `${path} cannot be written (${cause instanceof Error ? cause.message : String(cause)})`,
      'check that the folder exists, may be written and has room',
      cause,
    );
  }
  return path;
}

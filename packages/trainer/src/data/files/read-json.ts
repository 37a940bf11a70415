import { isUtf8 } from 'node:buffer';
import { badFormat } from './file-errors';
import { rowPlace } from './place';
import { readBytes } from './read-bytes';
import { checkRow, readJsonLines } from './read-json-lines';
import type { RowReader } from './row-entry';

/** Whole documents are held in memory. */
const MOST_BYTES = 2 ** 28;

/** JSON: a list of objects, which is read as a whole, or the lines of JSON Lines under another name. */
export const readJson: RowReader = async function* (file, options, place) {
  if (!(await beginsWithList(file))) return yield* readJsonLines(file, options, place);
  const list = await parseList(file);
  for (let row = rowPlace(place); row < list.length; row++)
    yield { ...checkRow(list[row]), line: row + 1, next: { row: row + 1 } };
};

async function beginsWithList(file: string): Promise<boolean> {
  for await (const chunk of readBytes(file)) {
    const first = /[^\s\ufeff]/.exec(chunk.toString('utf8'))?.[0];
    if (first !== undefined) return first === '[';
  }
  return false;
}

async function parseList(file: string): Promise<readonly unknown[]> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of readBytes(file)) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES)
      throw badFormat(file, `is one list of more than ${MOST_BYTES} bytes`, 'write it as .jsonl, which is streamed');
    chunks.push(chunk);
  }
  const all = Buffer.concat(chunks);
  if (!isUtf8(all)) throw badFormat(file, 'is not valid UTF-8', 'convert it to UTF-8');
  try {
    return JSON.parse(all.toString('utf8').replace(/^\ufeff/, '')) as readonly unknown[];
  } catch (cause) {
    throw badFormat(file, `is not JSON (${(cause as Error).message})`, 'write it again, or as .jsonl', cause);
  }
}

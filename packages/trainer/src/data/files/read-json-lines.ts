import { isUtf8 } from 'node:buffer';
import { linePlace } from './place';
import { readLines } from './read-lines';
import type { DataRow, RowReader } from './row-entry';

/** JSON Lines: an object a line. Empty lines are passed over. */
export const readJsonLines: RowReader = async function* (file, { maxRowBytes }, place) {
  for await (const { number: line, bytes, next: offset, tooLong } of readLines(file, linePlace(place), maxRowBytes)) {
    const next = { offset, lines: line };
    if (tooLong) yield { problem: `the line has more than ${maxRowBytes} bytes`, line, next };
    else if (!isUtf8(bytes)) yield { problem: 'it is not valid UTF-8', line, next };
    else {
      const text = bytes.toString('utf8');
      if (text.trim() === '') continue;
      yield { ...parseRow(text), line, next };
    }
  }
};

/** A row, or why a text is none. */
export function parseRow(text: string): { row: DataRow } | { problem: string } {
  try {
    return checkRow(JSON.parse(text) as unknown);
  } catch (error) {
    return { problem: `it is not JSON (${(error as Error).message})` };
  }
}

/** A row, or why a value is none. */
export function checkRow(value: unknown): { row: DataRow } | { problem: string } {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { row: value as DataRow };
  const found = value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`;
  return { problem: `it is ${found}, not an object with columns` };
}

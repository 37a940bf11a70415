import { isUtf8 } from 'node:buffer';
import { linePlace } from './place';
import { readLines } from './read-lines';
import type { RowReader } from './row-entry';

/**
 * Text as rows `{ text }`: its lines, its paragraphs (which empty lines part), or all of it, as `sample_by` of Hugging Face
 * datasets has it. Empty lines are rows too where lines are.
 */
export const readText: RowReader = async function* (file, { sampleBy, maxRowBytes }, place) {
  const start = linePlace(place);
  let held: Buffer[] = [];
  let size = 0;
  let first = start.lines + 1;
  let next = { offset: start.offset, lines: start.lines };
  const entry = (): { row?: { text: string }; problem?: string; line: number; next: typeof next } => {
    const bytes = Buffer.concat(held.flatMap((one, i) => (i === 0 ? [one] : [NEWLINE, one])));
    const line = first;
    [held, size] = [[], 0];
    if (bytes.length > maxRowBytes) return { problem: `it has more than ${maxRowBytes} bytes`, line, next };
    if (!isUtf8(bytes) || bytes.includes(0)) return { problem: 'it is not UTF-8 text', line, next };
    return { row: { text: bytes.toString('utf8') }, line, next };
  };
  for await (const { number, bytes, next: offset } of readLines(file, start, maxRowBytes)) {
    const blank = sampleBy === 'paragraph' && bytes.toString('latin1').trim() === '';
    if (blank && held.length > 0) yield entry();
    next = { offset, lines: number };
    if (blank) continue;
    if (held.length === 0) first = number;
    size += bytes.length + 1;
    if (size <= 2 * maxRowBytes + 2) held.push(bytes); // what is too long is not held
    if (sampleBy === 'line') yield entry();
  }
  if (held.length > 0) yield entry();
};

const NEWLINE = /* @__PURE__ */ Buffer.of(0x0a);

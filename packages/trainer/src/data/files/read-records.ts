import type { Plain } from '../../checkpoints/format';
import { readLines } from './read-lines';
import type { LinePlace } from './read-lines';

/** One record of a CSV file: a line, or several where a field in quotes goes on. */
export interface Record {
  readonly bytes: Buffer;
  /** Its first line. */
  readonly line: number;
  readonly next: Plain;
  readonly problem?: string;
}

const QUOTE = 0x22;
const NEWLINE = /* @__PURE__ */ Buffer.of(0x0a);

/** Where a line leaves off: inside a field in quotes or not. A quote opens a field only where one begins. */
function openAfter(bytes: Buffer, delimiter: number, open: boolean): boolean {
  if (!open && bytes.indexOf(QUOTE) < 0) return false;
  let inside = open;
  let begins = !open;
  for (let i = 0; i < bytes.length; i++) {
    if (inside) {
      if (bytes[i] !== QUOTE) continue;
      if (bytes[i + 1] === QUOTE) i++;
      else inside = false;
    } else if (begins && bytes[i] === QUOTE) inside = true;
    begins = !inside && bytes[i] === delimiter;
  }
  return inside;
}

/** The records of a CSV file with the places where they stand; what is in them is not looked at. */
export async function* readRecords(
  file: string,
  start: LinePlace,
  delimiter: string,
  longest: number,
): AsyncGenerator<Record, void, undefined> {
  const separator = delimiter.charCodeAt(0);
  let parts: Buffer[] = [];
  let size = 0;
  let first = 0;
  let next: Plain = null;
  for await (const { number, bytes, next: offset, tooLong } of readLines(file, start, longest)) {
    if (parts.length === 0) first = number;
    else parts.push(NEWLINE);
    next = { offset, lines: number };
    parts.push(bytes);
    size += bytes.length;
    const open = openAfter(bytes, separator, parts.length > 1);
    const problem = tooLong || size > longest ? `it has more than ${longest} bytes` : undefined;
    if (open && problem === undefined) continue;
    yield { bytes: Buffer.concat(parts), line: first, next, ...(problem && { problem }) };
    [parts, size] = [[], 0];
  }
  if (parts.length > 0)
    yield { bytes: Buffer.concat(parts), line: first, next, problem: 'a quote that is opened in it is never closed' };
}

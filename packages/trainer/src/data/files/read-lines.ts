import { readBytes } from './read-bytes';

/** A line without its end. */
export interface Line {
  /** Counted from 1. */
  readonly number: number;
  readonly bytes: Buffer;
  /** Bytes of the file (unpacked) before the next line. */
  readonly next: number;
  /** The line is longer than allowed; `bytes` holds its beginning. */
  readonly tooLong: boolean;
}

/** Where a line begins. */
export interface LinePlace {
  /** Bytes before it. */
  readonly offset: number;
  /** Lines before it. */
  readonly lines: number;
}

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const MARK = Buffer.of(0xef, 0xbb, 0xbf);

/**
 * The lines of a file from a place on, one chunk of the file in memory at a time. Lines end with `\n` or `\r\n`, and a byte
 * order mark at the beginning of the file is left out; nothing is decoded.
 *
 * @param longest bytes of a line at most; of longer ones only the beginning is kept
 * @throws E_NOT_FOUND, E_NOT_READABLE, E_FILE_FORMAT
 */
export async function* readLines(
  file: string,
  { offset, lines }: LinePlace,
  longest: number,
): AsyncGenerator<Line, void, undefined> {
  let number = lines;
  let place = offset; // bytes before the line that is being read
  let parts: Buffer[] = [];
  let kept = 0;
  let seen = 0; // bytes of the present line so far
  const add = (piece: Buffer): void => {
    const room = longest + 1 - kept;
    if (room > 0) parts.push(piece.length > room ? piece.subarray(0, room) : piece);
    kept += Math.min(piece.length, Math.max(0, room));
    seen += piece.length;
  };
  const finish = (ended: 0 | 1): Line => {
    let bytes = parts.length === 1 ? parts[0] : Buffer.concat(parts);
    const tooLong = seen > longest;
    if (number === 0 && bytes.subarray(0, 3).equals(MARK)) bytes = bytes.subarray(3);
    if (ended === 1 && !tooLong && bytes.at(-1) === RETURN) bytes = bytes.subarray(0, -1);
    place += seen + ended;
    [parts, kept, seen] = [[], 0, 0];
    return { number: ++number, bytes, next: place, tooLong };
  };
  for await (const chunk of readBytes(file, offset)) {
    for (let start = 0; start < chunk.length;) {
      const end = chunk.indexOf(NEWLINE, start);
      add(chunk.subarray(start, end < 0 ? chunk.length : end));
      if (end < 0) break;
      yield finish(1);
      start = end + 1;
    }
  }
  if (seen > 0) yield finish(0);
}

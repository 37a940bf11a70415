import { readFileSync } from 'node:fs';

/** A line of a log of training. */
export interface LogLine {
  readonly type: string;
  readonly step?: number;
  readonly to?: number;
  readonly loss?: number;
  readonly [name: string]: unknown;
}

/** The lines of a log, each of which is one JSON object. */
export const linesOf = (file: string): LogLine[] =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as LogLine);

/** The same without times, which no two runs share. */
export const withoutTimes = (lines: readonly LogLine[]): LogLine[] =>
  lines.map(({ time: _, tokensPerSecond: __, dataWaitMilliseconds: ___, ...line }) => line as LogLine);

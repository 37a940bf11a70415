import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { ways } from './attend';
import type { Way } from './attend';
import type { Measured } from './measure';
import { timing } from './setting';

/** One way at every length that it can be taken to. */
export interface Curve {
  readonly way: Way;
  readonly lengths: readonly number[];
  readonly measured: readonly Measured[];
}

/** Measures every way at every length, each in a process of its own, so that no memory of another is counted. */
export function measureAll(say: (line: string) => void): Curve[] {
  return ways().map((way) => {
    const square = way.standard === true && way.pattern === undefined;
    const lengths = timing.lengths.filter((length) => !square || length <= timing.longestSquare);
    const measured = lengths.map((length) => measureOne(way.name, length));
    const last = measured[measured.length - 1];
    say(
      `${way.name} at ${lengths[lengths.length - 1]}: forward ${(last.forwardSeconds * 1000).toFixed(1)} ms, with gradients ${(last.trainingSeconds * 1000).toFixed(1)} ms, ${(last.trainingBytes / 2 ** 20).toFixed(0)} MiB`,
    );
    return { way, lengths, measured };
  });
}

function measureOne(name: string, length: number): Measured {
  const script = path.join('test', 'studies', 'sparse-attention', 'measure.ts');
  const output = execFileSync(process.execPath, ['--import', 'tsx', script, name, String(length)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(output.trim().split('\n').at(-1)!) as Measured;
}

/** The power of the length with which something grows: the slope of a line through the logarithms. */
export function exponentOf(lengths: readonly number[], values: readonly number[]): number {
  const [x, y] = [lengths.map(Math.log), values.map(Math.log)];
  const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
  const [mx, my] = [mean(x), mean(y)];
  const spread = x.reduce((sum, value) => sum + (value - mx) ** 2, 0);
  return x.reduce((sum, value, at) => sum + (value - mx) * (y[at] - my), 0) / spread;
}

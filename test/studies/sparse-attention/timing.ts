import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { lengthsOf, ways } from './attend';
import type { Way } from './attend';
import type { Seconds } from './measure';

/** One figure of one way at every length that it can be taken to. */
export interface Curve {
  readonly way: Way;
  readonly lengths: readonly number[];
  readonly values: readonly number[];
}

/** Times every way, each in a process of its own. */
export function timeAll(say: (line: string) => void): { forward: Curve[]; training: Curve[] } {
  const [forward, training]: Curve[][] = [[], []];
  for (const way of ways()) {
    const seconds = measure<Seconds[]>(way.name, 'time');
    const lengths = lengthsOf(way);
    forward.push({ way, lengths, values: seconds.map(({ forwardSeconds }) => forwardSeconds) });
    training.push({ way, lengths, values: seconds.map(({ trainingSeconds }) => trainingSeconds) });
    const shown = (values: readonly number[]): string => values.map((value) => (value * 1000).toFixed(1)).join(', ');
    say(
      `${way.name} at ${lengths.join(', ')} tokens: forward ${shown(forward.at(-1)!.values)} ms, ` +
        `with gradients ${shown(training.at(-1)!.values)} ms`,
    );
  }
  return { forward, training };
}

/** Measures the memory of every way at every length, each in a process of its own, so that nothing else is counted. */
export function weighAll(say: (line: string) => void): Curve[] {
  return ways().map((way) => {
    const lengths = lengthsOf(way);
    const values = lengths.map((length) => Math.max(1, measure<number>(way.name, 'memory', String(length))));
    say(`${way.name} with gradients: ${values.map((bytes) => (bytes / 2 ** 20).toFixed(1)).join(', ')} MiB`);
    return { way, lengths, values };
  });
}

function measure<T>(...what: string[]): T {
  const script = path.join('test', 'studies', 'sparse-attention', 'measure.ts');
  const output = execFileSync(process.execPath, ['--import', 'tsx', script, ...what], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(output.trim().split('\n').at(-1)!) as T;
}

/** The power of the length with which something grows: the slope of a line through the logarithms. */
export function exponentOf({ lengths, values }: Curve): number {
  const [x, y] = [lengths.map(Math.log), values.map(Math.log)];
  const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
  const [mx, my] = [mean(x), mean(y)];
  const spread = x.reduce((sum, value) => sum + (value - mx) ** 2, 0);
  return x.reduce((sum, value, at) => sum + (value - mx) * (y[at] - my), 0) / spread;
}

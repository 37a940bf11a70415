import { execFileSync } from 'node:child_process';
import path from 'node:path';
import type { Study } from '../study';
import type { Measured } from './measure';
import { setting } from './setting';
import type { Way } from './setting';

/**
 * What layers that run again and a loss in chunks save at a context of 1,024 tokens, and what they cost: peak memory of a
 * process beyond what it had before there was a model, and the time of a step. Each way in processes of its own, taking turns.
 */
export const memoryStudy: Study = ({ say }) => {
  const found: Record<Way, Measured[]> = { plain: [], lean: [] };
  for (let round = 0; round < setting.rounds; round++) {
    for (const way of ['plain', 'lean'] as const) {
      const one = measure(way);
      found[way].push(one);
      say(
        `${way}: ${(one.peakBytes / 2 ** 20).toFixed(0)} MiB, ${one.secondsPerStep.toFixed(2)} s a step, loss ${one.loss.toFixed(4)}`,
      );
    }
  }
  const least = (way: Way, pick: (one: Measured) => number): number => Math.min(...found[way].map(pick));
  const [plainBytes, leanBytes] = (['plain', 'lean'] as const).map((way) => least(way, ({ peakBytes }) => peakBytes));
  const [plainTime, leanTime] = (['plain', 'lean'] as const).map((way) => least(way, (one) => one.secondsPerStep));
  return Promise.resolve({
    figures: {
      plainMebibytes: plainBytes / 2 ** 20,
      leanMebibytes: leanBytes / 2 ** 20,
      savedShare: 1 - leanBytes / plainBytes,
      moreTime: leanTime / plainTime - 1,
      lossDifference: Math.abs(found.plain[0].loss - found.lean[0].loss),
    },
    wanted: { savedShare: { atLeast: 0.5 }, moreTime: { atMost: 0.35 }, lossDifference: { atMost: 1e-3 } },
    absent: [],
    files: [],
  });
};

function measure(way: Way): Measured {
  const script = path.join('test', 'studies', 'memory', 'measure.ts');
  const output = execFileSync(process.execPath, ['--expose-gc', '--import', 'tsx', script, way], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(output.trim().split('\n').at(-1)!) as Measured;
}

/** Reads mutated files of one kind, one after the other, and tells the parent what became of each. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openTargets, tryFile } from '../../../packages/hub/test/fuzz/targets';

/** What the parent is told after each file. */
export interface Told {
  readonly seed: number;
  readonly outcome: string;
  readonly milliseconds: number;
}

async function main(): Promise<void> {
  const [name, from, to] = process.argv.slice(2);
  const work = mkdtempSync(path.join(tmpdir(), 'tesserae-fuzzing-'));
  const targets = await openTargets(work);
  const target = targets[name!]!;
  const before = process.memoryUsage.rss();
  for (let seed = Number(from); seed < Number(to); seed++) {
    const start = performance.now();
    const outcome = await tryFile(target, seed);
    process.send!({ seed, outcome, milliseconds: performance.now() - start } satisfies Told);
  }
  rmSync(work, { recursive: true, force: true });
  process.send!({ peakBytes: process.resourceUsage().maxRSS * 1024 - before });
  process.disconnect();
}

void main();

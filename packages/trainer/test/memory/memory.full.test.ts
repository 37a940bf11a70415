import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { bundleProgram } from '../child-process';
import { scratchFolder } from '../scratch';

interface Sample {
  step: number;
  resident: number;
  tensors: number;
}

describe('a thousand steps', () => {
  it('keep the number of tensors, and resident memory within 2 %', async () => {
    const program = await bundleProgram('memory/child.ts', scratchFolder());
    const lines = execFileSync(process.execPath, ['--expose-gc', program], { encoding: 'utf8' }).trim().split('\n');
    const samples = lines.map((line) => JSON.parse(line) as Sample).filter(({ step }) => step >= 300); // warm by then
    expect(new Set(samples.map(({ tensors }) => tensors)).size).toBe(1);
    // The lowest of several looks: what is only there for a moment does not count, a leak does.
    const lowest = (from: number): number => Math.min(...samples.slice(from, from + 4).map(({ resident }) => resident));
    expect(samples.length).toBe(11);
    expect(lowest(7) / lowest(0), JSON.stringify(samples)).toBeLessThan(1.02);
  });
});

import { describe, expect, it } from 'vitest';
import { difference, kernelEverywhere } from '../support/compareBackends';
import type { KernelCase } from '../support/compareBackends';
import { kernelCases } from './cases';

const byKernel = new Map<string, KernelCase[]>();
for (const test of kernelCases) byKernel.set(test.kernel, [...(byKernel.get(test.kernel) ?? []), test]);

describe('every lowering equals the reference backend', () => {
  it.each([...byKernel])('%s', async (_kernel, cases) => {
    const wrong: string[] = [];
    for (const test of cases) {
      try {
        const { cpu, eager, traced } = await kernelEverywhere(test);
        const problem = difference(eager, cpu, test.tolerance);
        if (problem) wrong.push(`${test.label ?? ''}: eager ${problem}`);
        const other = difference(traced, cpu, test.tolerance);
        if (other) wrong.push(`${test.label ?? ''}: traced ${other}`);
      } catch (error) {
        wrong.push(`${test.label ?? ''}: ${(error as Error).message}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});

import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../models';
import { openTargets, tryFile } from './targets';
import type { Target } from './targets';

let targets: Record<string, Target>;
beforeAll(async () => void (targets = await openTargets(temporaryFolder())));

/** Two thousand in all; `npm run study -- fuzzing` tries a hundred thousand, watched from another process. */
const counts = { safetensors: 1000, config: 300, tokenizer: 300, index: 200, llama2c: 200, adapter: 300 };

describe('files that were changed at random load, or are refused with a code', () => {
  it.each(Object.entries(counts))('%s', async (name, count) => {
    const wrong: string[] = [];
    const codes = new Set<string>();
    for (let seed = 0; seed < count; seed++) {
      const outcome = await tryFile(targets[name]!, seed);
      codes.add(outcome);
      if (/^(uncoded|broken)/.test(outcome)) wrong.push(`${name} ${seed}: ${outcome}`);
    }
    expect(wrong.slice(0, 5)).toEqual([]);
    expect(codes.size).toBeGreaterThan(name === 'llama2c' ? 1 : 3); // the changes reach more than one check
  });
});

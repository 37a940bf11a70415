import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { packages, requireBuild } from './packages';

/**
 * The most bytes that importing an entry point may read: its CommonJS file and the chunks it needs at once, of its own
 * package alone. A ceiling that is hit is a question, not a law: raise it when the growth is meant.
 */
const ceilings: Readonly<Record<string, number>> = {
  '@tesserae/backend-node-gpu': 40_000,
  '@tesserae/backend-onnx': 600_000,
  '@tesserae/core': 480_000,
  '@tesserae/core/testing': 500_000,
  '@tesserae/display': 80_000,
  '@tesserae/hub': 230_000,
  '@tesserae/registry': 18_000,
  '@tesserae/registry/testing': 22_000,
  '@tesserae/tokenizer': 220_000,
  '@tesserae/tokenizer/testing': 150_000,
  '@tesserae/trainer': 640_000,
  '@tesserae/trainer/testing': 440_000,
  tesserae: 200_000,
};

/** The files of the package that `require` of this one can read. What is imported by `import()` is no part of it. */
function reach(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, relative] of readFileSync(file, 'utf8').matchAll(/\brequire\(\s*['"](\.[^'"]*)['"]\s*\)/g)) {
    reach(path.resolve(path.dirname(file), relative!), seen);
  }
  return seen;
}

describe('the bytes of', () => {
  it.each(
    packages.flatMap((one) => one.entries.map(({ id, files }) => [id, path.join(one.path, files.node!)] as const)),
  )('%s stay under their ceiling', (id, file) => {
    requireBuild(id);
    const bytes = [...reach(file)].reduce((sum, part) => sum + readFileSync(part).byteLength, 0);
    expect(ceilings[id], `give ${id} (${bytes} bytes) a ceiling`).toBeDefined();
    expect(bytes).toBeLessThanOrEqual(ceilings[id]!);
  });
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { format } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { extractExamples } from './extract-examples';
import type { Example } from './extract-examples';
import { root } from './packages';

/**
 * Runs every example in the docstrings of a package, each as a module of its own in an empty working folder, and holds
 * what it prints to its `// → value` comments.
 */
export function runExamples(name: string): void {
  const folder = path.join(root, 'out', 'examples', name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const examples = extractExamples(name);

  describe(`the examples of ${name}`, () => {
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it('are there', () => {
      expect(examples.length).toBeGreaterThan(0);
    });

    it.each(examples.map((example, index) => [`${example.file}:${example.line}`, example, index] as const))(
      '%s',
      async (_place, example, index) => {
        const module = path.join(folder, `example-${index}.ts`);
        writeFileSync(module, example.code);
        const printed = await inEmptyFolder(() => captureOutput(() => import(/* @vite-ignore */ module)));
        checkOutput(example, printed);
      },
    );
  });
}

async function inEmptyFolder<T>(run: () => Promise<T>): Promise<T> {
  const before = process.cwd();
  const folder = mkdtempSync(path.join(tmpdir(), 'tesserae-example-'));
  process.chdir(folder);
  try {
    return await run();
  } finally {
    process.chdir(before);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What `console.log` prints meanwhile, one entry a call, as Node would print it. */
async function captureOutput(run: () => Promise<unknown>): Promise<readonly string[]> {
  const printed: string[] = [];
  const { log } = console;
  console.log = (...values: unknown[]): void => void printed.push(format(...values));
  try {
    await run();
  } finally {
    console.log = log;
  }
  return printed;
}

/** Each expected value must be printed, in order; other lines may stand between. */
function checkOutput(example: Example, printed: readonly string[]): void {
  const plain = (text: string): string => text.replace(/\s+/g, ' ').trim();
  const lines = printed.map(plain);
  let from = 0;
  for (const value of example.expected) {
    const at = lines.indexOf(plain(value), from);
    expect(at, `expected "${value}" among the printed ${JSON.stringify(lines.slice(from))}`).toBeGreaterThanOrEqual(0);
    from = at + 1;
  }
}

import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { examplesOf } from './extract-examples';
import { packages } from './packages';

describe('the examples', () => {
  it.each(packages)('of %s are run by a file of their own', (name) => {
    expect(existsSync(path.join(__dirname, 'examples', `${name}.test.ts`))).toBe(true);
  });
});

describe('examplesOf', () => {
  const source = [
    'const before = 1;',
    '/**',
    ' * Doubles.',
    ' *',
    ' * ```ts',
    ' * notAnExample();',
    ' * ```',
    ' *',
    ' * @param x a number',
    ' * @example',
    ' * ```ts',
    " * import { double } from 'x';",
    ' * @decorated /* a comment *\\/',
    ' * if (true) {',
    ' *   console.log(double(2)); // → 4',
    ' * }',
    ' * console.log(Math.random()); // → …',
    ' * ```',
    ' * and in a shell:',
    ' * ```sh',
    ' * npm test',
    ' * ```',
    ' * @example a second one',
    ' * ```typescript',
    " * console.log('a  b'); // → a b",
    ' * ```',
    ' * @returns twice as much',
    ' */',
  ].join('\n');
  const [first, second, ...others] = examplesOf(source, 'file.ts');

  it('finds the blocks behind @example, and nothing else', () => {
    expect(others).toEqual([]);
    expect(first!.code).toBe(
      "import { double } from 'x';\n@decorated /* a comment */\nif (true) {\n  console.log(double(2)); // → 4\n}\nconsole.log(Math.random()); // → …\n",
    );
    expect(second!.code).toBe("console.log('a  b'); // → a b\n");
  });

  it('knows the line of the code', () => {
    const lines = source.split('\n');
    expect(lines[first!.line - 1]).toContain('import { double }');
    expect(lines[second!.line - 1]).toContain('a  b');
  });

  it('reads what should be printed', () => {
    expect(first!.expected).toEqual(['4']);
    expect(second!.expected).toEqual(['a b']);
  });
});

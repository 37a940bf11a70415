import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { extractExamples } from './extract-examples';
import type { Example } from './extract-examples';
import { packages, root } from './packages';
import { compile } from './program';

const folder = path.join(root, 'out', 'examples', 'types');
const files = new Map<string, Example>();
let program: ts.Program;

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  for (const name of packages) {
    mkdirSync(path.join(folder, name), { recursive: true });
    extractExamples(name).forEach((example, index) => {
      const file = path.join(folder, name, `example-${index}.ts`);
      writeFileSync(file, `${example.code}\nexport {};\n`);
      files.set(file, example);
    });
  }
  program = compile([...files.keys()]);
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the types of the examples are right', () => {
  it.each(packages)('%s', (name) => {
    const problems = [...files]
      .filter(([file]) => file.startsWith(path.join(folder, name) + path.sep))
      .flatMap(([file, example]) => {
        const source = program.getSourceFile(file)!;
        const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
        return found.map((one) => {
          const { line } = source.getLineAndCharacterOfPosition(one.start ?? 0);
          return `${example.file}:${example.line + line} ${ts.flattenDiagnosticMessageText(one.messageText, '\n')}`;
        });
      });
    expect(problems).toEqual([]);
  });
});

import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { packages, root, sourceFiles } from './packages';

const code = /^E_[A-Z0-9_]*[A-Z0-9]$/;

/** The error codes that the source of a package can throw: every literal of that form that is not merely asked for. */
function codesInSource(name: string): ReadonlySet<string> {
  const found = new Set<string>();
  for (const file of sourceFiles(name)) {
    const visit = (node: ts.Node): void => {
      if (ts.isStringLiteralLike(node) && code.test(node.text) && !isAskedFor(node)) found.add(node.text);
      ts.forEachChild(node, visit);
    };
    visit(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2022, true));
  }
  return found;
}

/** `isTesseraeError(error, 'E_…')` and `error.code === 'E_…'` ask for a code, perhaps another package's. */
function isAskedFor({ parent }: ts.Node): boolean {
  if (ts.isCallExpression(parent)) return parent.expression.getText() === 'isTesseraeError';
  const compared = [ts.SyntaxKind.EqualsEqualsEqualsToken, ts.SyntaxKind.ExclamationEqualsEqualsToken];
  return ts.isCaseClause(parent) || (ts.isBinaryExpression(parent) && compared.includes(parent.operatorToken.kind));
}

interface Row {
  readonly code: string;
  readonly when: string;
  readonly fix: string;
}

/** The rows of the table under `## Errors` in a package's README. */
function documented(name: string): readonly Row[] {
  const readme = readFileSync(path.join(root, 'packages', name, 'README.md'), 'utf8');
  const section = /^## Errors\s*$([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(readme)?.[1] ?? '';
  return [...section.matchAll(/^\|\s*`(E_[A-Z0-9_]+)`\s*\|(.*)$/gm)].map((match) => {
    const [when = '', fix = ''] = match[2]!.split(/(?<!\\)\|/).map((cell) => cell.trim());
    return { code: match[1]!, when, fix };
  });
}

describe('the table of errors in the README lists what the source can throw', () => {
  it.each(packages)('%s', (name) => {
    const thrown = codesInSource(name);
    const rows = documented(name);
    const listed = rows.map((row) => row.code);
    expect({
      'in the source, not in the README': [...thrown].filter((one) => !listed.includes(one)).sort(),
      'in the README, not in the source': listed.filter((one) => !thrown.has(one)).sort(),
      'listed twice': listed.filter((one, at) => listed.indexOf(one) !== at),
      'without when or fix': rows.filter(({ when, fix }) => when === '' || fix === '').map((row) => row.code),
    }).toEqual({
      'in the source, not in the README': [],
      'in the README, not in the source': [],
      'listed twice': [],
      'without when or fix': [],
    });
  });

  it('finds the codes of a package that has some', () => {
    expect([...codesInSource('registry')]).toContain('E_PLUGIN_UNKNOWN');
    expect(documented('registry').map((row) => row.code)).toContain('E_PLUGIN_UNKNOWN');
  });
});

describe('the codes in @throws', () => {
  const known = new Set(packages.flatMap((name) => [...codesInSource(name)]));

  it.each(packages)('of %s exist', (name) => {
    const wrong = sourceFiles(name).flatMap((file) => {
      const text = readFileSync(file, 'utf8');
      const named = [...text.matchAll(/^\s*\*\s*@throws\b.*$/gm)].flatMap(
        (line) => line[0].match(/\bE_[A-Z0-9_]+/g) ?? [],
      );
      return named.filter((one) => !known.has(one)).map((one) => `${path.relative(root, file)}: ${one}`);
    });
    expect(wrong).toEqual([]);
  });
});

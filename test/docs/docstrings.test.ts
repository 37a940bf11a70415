import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';
import { entryFiles, packages } from './packages';
import { compile, exportsOf, placeOf } from './program';
import type { Exported } from './program';

let program: ts.Program;

beforeAll(() => {
  program = compile(packages.flatMap(entryFiles));
}, 120_000);

/** The signatures of an exported value that can be called; none for types and plain values. */
function signaturesOf({ symbol, declaration }: Exported): readonly ts.Signature[] {
  if (!(symbol.flags & ts.SymbolFlags.Value)) return [];
  return program.getTypeChecker().getTypeOfSymbolAtLocation(symbol, declaration).getCallSignatures();
}

/** The docstring's host: for `const f = …` it stands at the statement. */
function docsOf(declaration: ts.Declaration): readonly (ts.JSDoc | ts.JSDocTag)[] {
  return ts.getJSDocCommentsAndTags(declaration);
}

/** A constant, such as an op, may leave its example to the exported function that its docstring links to. */
function pointsTo(exported: Exported, names: ReadonlySet<string>): boolean {
  if (!ts.isVariableDeclaration(exported.declaration)) return false;
  const text = docsOf(exported.declaration)
    .map((doc) => doc.getText())
    .join();
  return [...text.matchAll(/\{@link ([\w$]+)/g)].some(([, name]) => name !== exported.name && names.has(name!));
}

/** What the docstring of an exported function lacks. */
function lacks(exported: Exported, names: ReadonlySet<string>): readonly string[] {
  const { symbol, declaration } = exported;
  const checker = program.getTypeChecker();
  const [signature] = signaturesOf(exported);
  if (signature === undefined) return [];
  const declarations = symbol.declarations ?? [declaration];
  if (declarations.every((one) => docsOf(one).length === 0)) return ['a docstring'];
  if (pointsTo(exported, names)) return [];
  const tags = declarations.flatMap((one) => [...ts.getJSDocTags(one)]);
  const text = (tag: ts.JSDocTag): string => ts.getTextOfJSDocComment(tag.comment) ?? '';
  const sentence = ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim();
  const example = tags.some((tag) => tag.tagName.text === 'example' && /```(ts|typescript)\n/.test(text(tag)));
  const returned = checker.typeToString(signature.getReturnType());
  const silent = /^(void|never|Promise<void>|asserts .*)$/.test(returned);
  const described = new Set(tags.filter(ts.isJSDocParameterTag).map((tag) => tag.name.getText().split('.')[0]));
  const parameters = isOwnFunction(signature)
    ? signature.getParameters().filter((one) => !one.name.startsWith('_'))
    : [];
  return [
    ...(sentence === '' ? ['a first sentence'] : []),
    ...parameters.filter(({ name }) => !described.has(name)).map(({ name }) => `@param ${name}`),
    ...(silent || tags.some((tag) => /^returns?$/.test(tag.tagName.text)) ? [] : ['@returns']),
    ...(example
      ? []
      : [
          ts.isVariableDeclaration(declaration)
            ? 'an @example, or a {@link} to the function that has it'
            : 'an @example in ```ts',
        ]),
  ];
}

/** Whether the parameters' names are written where the docstring is, not in some type from elsewhere. */
function isOwnFunction(signature: ts.Signature): boolean {
  const at = signature.getDeclaration() as ts.SignatureDeclaration | undefined;
  return at !== undefined && ts.isFunctionDeclaration(at) && at.parameters.every((one) => ts.isIdentifier(one.name));
}

describe('every exported function has a docstring with an example', () => {
  it.each(packages)('%s', (name) => {
    const exported = new Map<string, Exported>();
    for (const entry of entryFiles(name)) {
      for (const one of exportsOf(program, entry)) {
        if (one.declaration.getSourceFile().fileName.includes(`/packages/${name}/`))
          exported.set(placeOf(one.declaration), one);
      }
    }
    expect(exported.size, `${name} exports nothing`).toBeGreaterThan(0);
    const names = new Set([...exported.values()].map((one) => one.name));
    const violations = [...exported].flatMap(([place, one]) => {
      const missing = lacks(one, names);
      return missing.length === 0 ? [] : [`${place} ${one.name}: lacks ${missing.join(', ')}`];
    });
    expect(violations.sort()).toEqual([]);
  });
});

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import ts from '@tslab/typescript-for-tslab';
import { beforeAll, describe, expect, it } from 'vitest';
import { packages, requireBuild, root } from './packages';

// tslab compiles cells with its own TypeScript 5.0, with the resolution of Node 10: `main` and `types`, stub folders for
// subpaths. Here the types that were built are looked at in the same way.

const ids = packages.flatMap(({ entries }) => entries.map(({ id }) => id));
const folderOf = (id: string): string =>
  packages.find(({ manifest: { name } }) => id === name || id.startsWith(`${name}/`))!.path;

let program: ts.Program;
let checker: ts.TypeChecker;

beforeAll(() => {
  const cell = path.join(root, 'test', 'cell.ts');
  const text = ids.map(
    (id, index) => `import * as entry${index} from '${id}';\nexport const all${index} = entry${index};`,
  );
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.CommonJS,
    moduleResolution: ts.ModuleResolutionKind.Node10,
    esModuleInterop: true,
    strict: true,
    noEmit: true,
    types: ['node'],
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile } = host;
  host.getSourceFile = (file, ...rest) =>
    file === cell
      ? ts.createSourceFile(file, text.join('\n'), ts.ScriptTarget.ES2022)
      : getSourceFile.call(host, file, ...rest);
  program = ts.createProgram([cell], options, host);
  checker = program.getTypeChecker();
}, 120_000);

/** The file of types that an import of this name reads, and the module it declares. */
function declarations(id: string): { file: ts.SourceFile; module: ts.Symbol } {
  requireBuild(id);
  const cell = program.getSourceFile(path.join(root, 'test', 'cell.ts'))!;
  const imported = cell.statements.filter(ts.isImportDeclaration)[ids.indexOf(id)]!;
  const module = checker.getSymbolAtLocation(imported.moduleSpecifier);
  if (module === undefined) throw new Error(`the types of ${id} are not found in Node10 resolution`);
  return { file: module.declarations![0] as ts.SourceFile, module };
}

const own = (id: string, file: string): boolean => file.startsWith(path.join(folderOf(id), 'dist') + path.sep);

const say = (diagnostic: ts.Diagnostic): string => {
  const text = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n');
  if (diagnostic.file === undefined) return text;
  const { line } = diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start ?? 0);
  return `${path.relative(root, diagnostic.file.fileName)}:${line + 1} ${text}`;
};

const resolved = (symbol: ts.Symbol): ts.Symbol =>
  symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

/** Every type of the package's own that a declaration mentions, and everything it calls `any`. */
function mentions(
  id: string,
  declaration: ts.Node,
  found: { types: Set<ts.Symbol>; anys: string[] },
  where: string,
): void {
  const visit = (node: ts.Node): void => {
    if (node.kind === ts.SyntaxKind.AnyKeyword) found.anys.push(where);
    const name = ts.isTypeReferenceNode(node)
      ? node.typeName
      : ts.isExpressionWithTypeArguments(node)
        ? node.expression
        : undefined;
    const symbol = name && checker.getSymbolAtLocation(name);
    const target = symbol && resolved(symbol);
    const at = target?.declarations?.[0];
    if (target && at && !(target.flags & ts.SymbolFlags.TypeParameter) && own(id, at.getSourceFile().fileName)) {
      found.types.add(target);
    }
    ts.forEachChild(node, visit);
  };
  visit(declaration);
}

describe.each(ids)('%s in a notebook', (id) => {
  it('has types without an error', () => {
    const { module } = declarations(id);
    expect(module.exports!.size).toBeGreaterThan(0);
    const files = program.getSourceFiles().filter(({ fileName }) => own(id, fileName));
    const problems = files.flatMap((file) => [
      ...program.getSyntacticDiagnostics(file),
      ...program.getSemanticDiagnostics(file),
    ]);
    expect(problems.map(say)).toEqual([]);
  });

  it('exports every type that its public declarations mention, and calls nothing any', () => {
    const { module } = declarations(id);
    const main = declarations(ids.find((other) => id === other || id.startsWith(`${other}/`))!).module;
    const exported = new Map(
      [module, main].flatMap((one) => checker.getExportsOfModule(one).map((s) => [resolved(s), s.name])),
    );
    const missing: string[] = [];
    const anys: string[] = [];
    for (const symbol of checker.getExportsOfModule(module)) {
      const found = { types: new Set<ts.Symbol>(), anys };
      for (const declaration of resolved(symbol).declarations ?? []) {
        if (own(id, declaration.getSourceFile().fileName)) mentions(id, declaration, found, symbol.name);
      }
      for (const type of found.types) {
        if (!exported.has(type) && !isExportedMember(type, exported))
          missing.push(`${symbol.name} mentions ${type.name}`);
      }
    }
    expect(missing).toEqual([]);
    expect([...new Set(anys)]).toEqual([]);
  });
});

/** Types inside an exported namespace are reached through it. */
function isExportedMember(type: ts.Symbol, exported: ReadonlyMap<ts.Symbol, string>): boolean {
  const parent = (type as unknown as { parent?: ts.Symbol }).parent;
  return parent !== undefined && exported.has(parent);
}

describe('the type tests under the compiler of notebooks', () => {
  const projects = packages
    .map((one) => path.join(one.path, 'test', 'types', 'oldest', 'tsconfig.json'))
    .filter((file) => existsSync(file));

  it('are there', () => {
    expect(projects.map((file) => path.relative(root, file))).toContain(
      'packages/registry/test/types/oldest/tsconfig.json',
    );
    expect(ts.version).toBe('5.0.4');
  });

  it.each(projects.map((file) => path.relative(root, file)))('%s', (project) => {
    const compiler = path.join(root, 'node_modules', '@tslab', 'typescript-for-tslab', 'lib', 'tsc.js');
    let output = '';
    try {
      execFileSync(process.execPath, [compiler, '-p', project, '--pretty', 'false'], { cwd: root, encoding: 'utf8' });
    } catch (error) {
      output = String((error as { stdout?: string }).stdout);
    }
    expect(output).toBe('');
  });
});

import path from 'node:path';
import ts from 'typescript';
import { root } from './packages';

/** The compiler's view of some files, with the workspace's settings. */
export function compile(files: readonly string[]): ts.Program {
  const { config } = ts.readConfigFile(path.join(root, 'tsconfig.json'), ts.sys.readFile) as { config: object };
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, root);
  return ts.createProgram([...files], { ...options, noEmit: true });
}

/** An exported name and what stands behind it. */
export interface Exported {
  readonly name: string;
  readonly symbol: ts.Symbol;
  readonly declaration: ts.Declaration;
}

/** What an entry point exports, each with its first declaration in this repository. */
export function exportsOf(program: ts.Program, entry: string): readonly Exported[] {
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(entry)!);
  if (module === undefined) return []; // not a module yet: nothing in it
  return checker.getExportsOfModule(module).flatMap((exported) => {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    const declaration = symbol.declarations?.find((one) => !one.getSourceFile().fileName.includes('node_modules'));
    return declaration === undefined ? [] : [{ name: exported.name, symbol, declaration }];
  });
}

/** `packages/core/src/nn/gelu.ts:12` */
export function placeOf(node: ts.Node): string {
  const file = node.getSourceFile();
  const { line } = file.getLineAndCharacterOfPosition(node.getStart());
  return `${path.relative(root, file.fileName).replaceAll(path.sep, '/')}:${line + 1}`;
}

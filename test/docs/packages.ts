import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

export const root = path.resolve(__dirname, '..', '..');

/** The folders of the packages: `backend-onnx`. */
export const packages: readonly string[] = readdirSync(path.join(root, 'packages'));

/** Every TypeScript file in the source of a package. */
export function sourceFiles(name: string): readonly string[] {
  const folder = path.join(root, 'packages', name, 'src');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => path.join(folder, file))
    .sort();
}

/** The source of each entry point: the main one, and `testing` where there is one. */
export function entryFiles(name: string): readonly string[] {
  const folder = path.join(root, 'packages', name, 'src');
  return [path.join(folder, 'index.ts'), path.join(folder, 'testing', 'index.ts')].filter((file) => existsSync(file));
}

import { symlinkSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const root = path.resolve('.');

/** Bundles a program from the sources, so that a test needs no build; heavy packages stay where they are. */
export async function bundleProgram(entry: string, folder: string): Promise<string> {
  const outfile = path.join(folder, 'program.cjs');
  await build({
    entryPoints: [path.join(root, 'packages/trainer/test', entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    logLevel: 'silent',
    plugins: [
      {
        name: 'workspace',
        setup(bundler) {
          bundler.onResolve({ filter: /^@tesserae\/[a-z-]+$/ }, ({ path: id }) => ({
            path: path.join(root, 'packages', id.slice('@tesserae/'.length), 'src/index.ts'),
          }));
          bundler.onResolve({ filter: /^[^./]/ }, ({ path: id, kind }) =>
            kind === 'entry-point' ? undefined : { path: id, external: true },
          );
        },
      },
    ],
  });
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'), 'junction');
  return outfile;
}

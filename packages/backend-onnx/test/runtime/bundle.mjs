// Bundles the runtime and the test models into one CommonJS file each, for programs that run outside vitest.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../../../..');

/** @returns {Promise<string>} the folder that holds runtime.cjs and models.cjs; packages resolve from it */
export async function bundleRuntime() {
  const folder = path.join(root, 'out', 'test', `runtime-${process.pid}`);
  await build({
    entryPoints: {
      runtime: path.join(here, '../../src/runtime/index.ts'),
      models: path.join(here, 'models.ts'),
    },
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    alias: { '@tesserae/registry': path.join(root, 'packages/registry/src/index.ts') },
    external: ['koffi', 'onnxruntime-node', 'onnx-proto'],
    logLevel: 'error',
  });
  return folder;
}

import { createRequire } from 'node:module';
import path from 'node:path';
import { build } from 'esbuild';

/** Registers TensorFlow.js's own gradients: its package keeps them in files that Node cannot import as they are. */
export async function registerTensorFlowGradients(): Promise<void> {
  const require = createRequire(path.resolve('package.json'));
  const folder = path.dirname(require.resolve('@tensorflow/tfjs-core/package.json'));
  const { outputFiles } = await build({
    entryPoints: [path.join(folder, 'dist/register_all_gradients.js')],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    logLevel: 'error',
  });
  new Function('require', 'module', 'exports', outputFiles[0].text)(require, { exports: {} }, {});
}

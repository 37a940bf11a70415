import { useNodeGpu } from '@tesserae/backend-node-gpu';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

// The real packages, as npm installs them where install scripts are ignored: JavaScript without its binary.
const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'tesserae-tfjs-node-')));
writeFileSync(path.join(folder, 'package.json'), '{"private":true}');
const packages = ['@tensorflow/tfjs-node@4.22.0', '@tensorflow/tfjs-node-gpu@4.22.0'];
const npm = spawnSync(
  'npm',
  ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', ...packages],
  {
    cwd: folder,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  },
);
const installed = npm.status === 0;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const title = 'the published packages without their binaries';
describe.skipIf(!installed)(installed ? title : `${title} (skipped: npm could not install them)`, () => {
  const fails = (options: Parameters<typeof useNodeGpu>[0]): Promise<string> =>
    useNodeGpu({ folder, ...options }).then(
      () => 'it loaded',
      (error: Error) => error.message,
    );
  const message = (name: string, own = ''): string =>
    `[backend-node-gpu] E_BINDING_MISSING: ${name} has no native binding (${path.join(folder, 'node_modules', name, 'lib', 'napi-v8', 'tfjs_binding.node')}); run npm rebuild ${name} --ignore-scripts=false --build-addon-from-source${own}`;

  it('explain themselves', async () => {
    expect(await fails({})).toBe(message('@tensorflow/tfjs-node-gpu'));
    expect(await fails({ prefer: 'cpu', only: true })).toBe(
      message('@tensorflow/tfjs-node', ' (in a clone of Tesserae: npm run setup:tfjs-node)'),
    );
  });

  it('explain themselves when the application loads them itself', async () => {
    const load = (): never => createRequire(path.join(folder, 'package.json'))('@tensorflow/tfjs-node') as never;
    await expect(useNodeGpu({ lib: load })).rejects.toMatchObject({ code: 'E_LOAD_FAILED' });
    await expect(useNodeGpu({ lib: load })).rejects.toThrow(
      'The Node.js native addon module (tfjs_binding.node) can not be found',
    );
  });

  it('are told apart from a package whose library is missing', async () => {
    const library = path.join(folder, 'node_modules', '@tensorflow', 'tfjs-node', 'lib', 'napi-v8');
    mkdirSync(library, { recursive: true });
    symlinkSync(process.execPath, path.join(library, 'tfjs_binding.node'));
    expect(await fails({ prefer: 'cpu', only: true })).toContain(
      'E_TENSORFLOW_MISSING: @tensorflow/tfjs-node has no TensorFlow library in',
    );
  });
});

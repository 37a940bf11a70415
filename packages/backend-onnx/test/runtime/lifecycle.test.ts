import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

/** What a program may do while a run is in progress on another thread: nothing of it may crash the process. */
const endings: Record<string, { ending: string; status: number; output: RegExp }> = {
  'leaves at once': { ending: 'setTimeout(() => process.exit(7), 5);', status: 7, output: /^begun\s*$/ },
  'ends with an error': {
    ending: "setTimeout(() => { throw new Error('boom'); }, 5);",
    status: 1,
    output: /Error: boom/,
  },
  'waits for the run, and disposes of nothing': { ending: '', status: 0, output: /^begun\s+finished\s*$/ },
  'stops a worker that is running too': {
    ending: `
      const { Worker } = require('node:worker_threads');
      const worker = new Worker(__filename);
      worker.once('message', () => worker.terminate().then(() => console.log('stopped')));
      worker.on('error', (error) => console.log(error));`,
    status: 0,
    output: /stopped/,
  },
};

let folder = '';
beforeAll(async () => {
  const { bundleRuntime } = (await import('./bundle.mjs' as string)) as { bundleRuntime(): Promise<string> };
  folder = await bundleRuntime();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.each(Object.entries(endings))('a program %s', (name, { ending, status, output }) => {
  const program = path.join(folder, `${name.replaceAll(/\W+/g, '-')}.cjs`);
  writeFileSync(
    program,
    `const { loadRuntime } = require('./runtime.cjs');
    const { longProducts } = require('./models.cjs');
    const { isMainThread, parentPort } = require('node:worker_threads');
    const runtime = loadRuntime({ prefer: 'c-api' });
    const matrix = (fill) => runtime.createValue(new Float32Array(65536).fill(fill), [256, 256], 'float32');
    const session = runtime.createSession(longProducts(256, 300), { threads: 2 });
    const binding = session.createBinding({ x: matrix(1), w: matrix(1 / 256) }, { y: matrix(0) });
    binding.runAsync().then(() => { if (isMainThread) console.log('finished'); });
    if (isMainThread) { console.log('begun'); ${ending} } else parentPort.postMessage('begun');`,
  );
  const result = spawnSync(process.execPath, [program], { encoding: 'utf8', timeout: 50_000 });
  expect(result.signal).toBeNull();
  expect(`${result.stdout}${result.stderr}`).toMatch(output);
  expect(result.status).toBe(status);
});

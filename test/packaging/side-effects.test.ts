import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { inNode } from './in-node';
import { packages, requireBuild, root } from './packages';

/** What must only be loaded by the function that needs it. */
const heavy =
  /node_modules[\\/](koffi|onnxruntime-node|onnx-proto|@tensorflow[\\/]tfjs-(node|node-gpu|backend-wasm|backend-cpu)|vega|vega-lite|tslab|zeromq)[\\/]/;

interface Changes {
  readonly globals: readonly string[];
  readonly changed: readonly string[];
  readonly tensorflow: readonly string[];
  readonly process: readonly string[];
  readonly heavy: readonly string[];
}

/**
 * What an import changes in the process. (A handle left open would keep the process alive: the run would time out.) TensorFlow.js core is loaded beforehand: it keeps its registries on the global
 * object, which is its own affair, and what a package adds to them shows here.
 */
const script = (id: string): string => `
  const core = require('@tensorflow/tfjs-core');
  const registries = () => ({
    kernels: [...(globalThis._tfGlobals?.get('kernelRegistry') ?? [])].length,
    gradients: [...(globalThis._tfGlobals?.get('gradRegistry') ?? [])].length,
    backends: Object.keys(core.engine().registryFactory).length,
    tensors: core.engine().state.numTensors,
    flags: JSON.stringify(core.env().getFlags()),
    tensorMethods: Object.getOwnPropertyNames(core.Tensor.prototype).length,
  });
  const looks = {
    globals: () => Object.fromEntries(Reflect.ownKeys(globalThis).map((key) => [String(key), 1])),
    changed: () => Object.fromEntries(['Array', 'Object', 'Promise', 'Error', 'String', 'Map', 'Symbol', 'console', 'Math']
      .map((name) => [name, [globalThis[name], globalThis[name].prototype].filter(Boolean)
        .map((value) => Reflect.ownKeys(value).map(String).join()).join('|')])),
    tensorflow: registries,
    process: () => ({
      listeners: process.eventNames().map((name) => String(name) + process.listenerCount(name)).join(),
      environment: JSON.stringify(process.env),
      limit: Error.stackTraceLimit,
    }),
  };
  const look = () => Object.fromEntries(Object.entries(looks).map(([name, of]) => [name, of()]));
  const before = look();
  require(${JSON.stringify(id)});
  const after = look();
  const changes = Object.fromEntries(Object.keys(looks).map((name) => [name,
    [...new Set([...Object.keys(before[name]), ...Object.keys(after[name])])]
      .filter((key) => before[name][key] !== after[name][key])]));
  const heavy = Object.keys(require.cache).filter((file) => ${heavy}.test(file));
  process.stdout.write(JSON.stringify({ ...changes, heavy }));
`;

describe('importing changes nothing and loads nothing heavy', () => {
  it.each(packages.flatMap(({ entries }) => entries.map(({ id }) => id)))('%s', (id) => {
    requireBuild(id);
    expect(inNode<Changes>(script(id))).toEqual({ globals: [], changed: [], tensorflow: [], process: [], heavy: [] });
  });
});

describe('the look at the process', () => {
  it('sees what a package must not do', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'tesserae-'));
    const culprit = path.join(folder, 'culprit.cjs');
    const { resolve } = createRequire(path.join(root, 'package.json'));
    writeFileSync(
      culprit,
      `
        const core = require(${JSON.stringify(resolve('@tensorflow/tfjs-core'))});
        require(${JSON.stringify(resolve('koffi'))});
        globalThis.leak = 1;
        Array.prototype.last = () => 1;
        process.on('exit', () => {});
        process.env.LEAK = '1';
        core.registerKernel({ kernelName: 'Leak', backendName: 'leak', kernelFunc: () => [] });
        core.registerBackend('leak', () => null);
      `,
    );
    try {
      const changes = inNode<Changes>(script(culprit));
      expect(changes).toMatchObject({ globals: ['leak'], changed: ['Array'], tensorflow: ['kernels', 'backends'] });
      expect(changes.process).toEqual(expect.arrayContaining(['listeners', 'environment']));
      expect(changes.heavy.some((file) => file.includes('koffi'))).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

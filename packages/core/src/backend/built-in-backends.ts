import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { useJavaScript, useOnnxRuntime, useTensorFlow, useWasm } from './activate';
import type { BackendCandidate, BackendName, BackendRequest, BackendTaken } from './candidate';

declare module '@tesserae/registry' {
  interface PluginKinds {
    backend: BackendCandidate;
  }
  interface PluginCatalog {
    'backend:tfjs-node-gpu': BackendPlugin<'tfjs-node-gpu'>;
    'backend:onnx': BackendPlugin<'onnx'>;
    'backend:tfjs-node': BackendPlugin<'tfjs-node'>;
    'backend:wasm': BackendPlugin<'wasm'>;
    'backend:cpu': BackendPlugin<'cpu'>;
  }
}

/** A plugin that makes a candidate for `selectBackend`. */
export type BackendPlugin<N extends string = string> = Plugin<'backend', N, () => BackendCandidate>;

/**
 * The backends that `selectBackend` tries, best first, as plugins for a registry.
 *
 * Nothing is loaded before a candidate is used.
 *
 * @returns each plugin, when called, makes its candidate
 *
 * @example
 * ```ts
 * import { backendPlugins, selectBackend } from '@tesserae/core';
 * import { createRegistry } from '@tesserae/registry';
 *
 * const kit = createRegistry(backendPlugins);
 * const plain = await kit.create('backend', 'cpu');
 * const selected = await selectBackend({ candidates: [plain], log: false });
 * console.log(selected.name); // → cpu
 * ```
 */
export const backendPlugins: readonly BackendPlugin<BackendName>[] = /* @__PURE__ */ makePlugins();

function makePlugins(): BackendPlugin<BackendName>[] {
  return [
    plugin('tfjs-node-gpu', 'TensorFlow on an NVIDIA GPU', () => useTensorFlow('gpu')),
    plugin('onnx', 'ONNX Runtime: whole programs on the CPU, WebGPU or CUDA', useOnnxRuntime),
    plugin('tfjs-node', 'TensorFlow on the CPU', () => useTensorFlow('cpu')),
    plugin('wasm', "TensorFlow.js's own WebAssembly", useWasm),
    plugin('cpu', 'Plain JavaScript', useJavaScript),
  ];
}

function plugin<N extends BackendName>(
  name: N,
  description: string,
  use: (request: BackendRequest) => Promise<BackendTaken>,
): BackendPlugin<N> {
  const create = (): BackendCandidate => ({ name, use });
  return definePlugin({ kind: 'backend', name, package: '@tesserae/core', apiVersion: 1, description, create });
}

/**
 * Lists the backends that `selectBackend` tries, best first; nothing is loaded before one of them is used.
 *
 * @returns one candidate per backend: `tfjs-node-gpu`, `onnx`, `tfjs-node`, `wasm`, `cpu`
 *
 * @example
 * ```ts
 * import { builtInBackends } from '@tesserae/core';
 *
 * console.log(builtInBackends().map((candidate) => candidate.name).join(' ')); // → tfjs-node-gpu onnx tfjs-node wasm cpu
 * ```
 */
export function builtInBackends(): BackendCandidate[] {
  return backendPlugins.map((make) => make());
}

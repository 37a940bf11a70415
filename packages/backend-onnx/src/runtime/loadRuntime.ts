import { createDeviceValueFactory } from './deviceValues';
import { availableProviders, createEnvironment } from './environment';
import { reasonOf, runtimeError } from './errors';
import { loadKoffi, locateLibrary } from './library';
import { openLibrary } from './nativeApi';
import { loadOnnxruntimeNode } from './onnxruntimeNode';
import { createSession } from './sessions';
import type { LoadRuntimeOptions, Runtime } from './types';
import { createValueFactory } from './values';

const loaded = /* @__PURE__ */ new Map<string, Runtime>();

/**
 * Loads ONNX Runtime once and gives what runs programs on it.
 *
 * The library is the one inside the `onnxruntime-node` package, called through its C API, so that tensors share memory
 * with typed arrays. Where that cannot be done (no koffi, no library that it can open) the JavaScript layer of
 * `onnxruntime-node` takes its place: the same interface, but outputs are copied at each run and nothing runs on another
 * thread.
 *
 * @param options `libraryPath`: another shared library, never replaced by a fallback; `prefer`: one of the two ways only
 * @returns the runtime; the same one for the same options
 * @throws E_RUNTIME_MISSING when there is no library, E_RUNTIME_LIBRARY when it is not ONNX Runtime, E_RUNTIME_VERSION
 *   when it is one that is not known to work
 *
 * @example
 * ```ts
 * import { loadRuntime } from '@tesserae/backend-onnx';
 *
 * const runtime = loadRuntime();
 * console.log(runtime.providers.includes('CPUExecutionProvider')); // → true
 * const value = runtime.createValue(new Float32Array(6), [2, 3], 'float32');
 * console.log(value.dims); // → [ 2, 3 ]
 * value.dispose();
 * ```
 */
export function loadRuntime(options: LoadRuntimeOptions = {}): Runtime {
  const { libraryPath, prefer } = options;
  if (prefer !== undefined && prefer !== 'c-api' && prefer !== 'onnxruntime-node') {
    throw runtimeError(
      'E_RUNTIME_OPTION',
      `unknown prefer '${String(prefer)}'`,
      "use 'c-api' or 'onnxruntime-node', or leave it out",
    );
  }
  const chosen = libraryPath ?? (process.env.TESSERAE_ONNXRUNTIME_LIBRARY || undefined);
  const key = JSON.stringify([prefer ?? null, chosen ?? null]);
  let runtime = loaded.get(key);
  if (runtime === undefined) {
    runtime = load(chosen, prefer);
    loaded.set(key, runtime);
  }
  return runtime;
}

function load(libraryPath: string | undefined, prefer: LoadRuntimeOptions['prefer']): Runtime {
  if (prefer === 'onnxruntime-node') return loadOnnxruntimeNode();
  try {
    return loadCApi(libraryPath);
  } catch (error) {
    // Who names a library or the C API means it.
    if (prefer === 'c-api' || libraryPath !== undefined) throw error;
    return loadOnnxruntimeNode(reasonOf(error));
  }
}

function loadCApi(libraryPath: string | undefined): Runtime {
  const api = openLibrary(loadKoffi(), locateLibrary(libraryPath));
  const environment = createEnvironment(api);
  const createValue = createValueFactory(api, environment);
  return {
    kind: 'c-api',
    version: api.version,
    providers: availableProviders(api),
    createSession: (model, options = {}) => createSession(api, environment, model, options),
    createValue,
    createDeviceValue: createDeviceValueFactory(api, environment, createValue),
  };
}

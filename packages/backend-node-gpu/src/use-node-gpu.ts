import * as tf from '@tensorflow/tfjs-core';
import { checkOptions, isTesseraeError, oneOf, optionRules, tesseraeError } from '@tesserae/registry';
import type { TesseraeError, TesseraeErrorOptions } from '@tesserae/registry';
import { diagnoseNodeGpu } from './diagnose';
import type { NodeGpuPart } from './diagnose';
import { explainLoadFailure } from './explain-load-failure';
import { backendName, cpuPackage, gpuPackage } from './packages';
import type { NodeGpuPackage } from './packages';
import { systemProbes } from './probes';
import type { NodeGpuProbes } from './probes';
import { restoreUtilFunctions } from './restore-util-functions';
import { withoutTraces } from './without-traces';

/** As much of `@tensorflow/tfjs-node` as is asked of it: TensorFlow.js itself, with a backend `tensorflow` registered. */
export interface NodeTensorFlow {
  /** TensorFlow.js's own `engine`; it must be the one that Tesserae uses. */
  readonly engine: () => unknown;
  /** Versions by package: `{ 'tfjs-core': '4.22.0', 'tfjs-node': '4.22.0' }`. */
  readonly version?: Readonly<Record<string, unknown>>;
}

/** How `useNodeGpu` loads. */
export interface NodeGpuOptions {
  /** The module itself, or a function that loads it, where the application has its own way to load it. */
  lib?: NodeTensorFlow | (() => NodeTensorFlow | Promise<NodeTensorFlow>);
  /** Which package to try first: `gpu` is `@tensorflow/tfjs-node-gpu` (the default), `cpu` is `@tensorflow/tfjs-node`. */
  prefer?: 'gpu' | 'cpu';
  /** Whether to try only that package. */
  only?: boolean;
  /** Whether a package that loads but computes on the CPU counts as a failure. */
  requireGpu?: boolean;
  /** Where the package is, when Node does not find it: its folder, or one that holds it in `node_modules`. */
  folder?: string;
  /** Answers about the machine, for tests. */
  probes?: NodeGpuProbes;
}

/** What `useNodeGpu` made the active backend. */
export interface NodeGpuBackend {
  /** The name of the backend in TensorFlow.js. */
  readonly name: 'tensorflow';
  /** The package that was loaded; undefined when `lib` was given. */
  readonly package?: NodeGpuPackage;
  /** Whether TensorFlow computes on a GPU. */
  readonly usingGpu: boolean;
  /** The version of the TensorFlow library: `2.21.0`. */
  readonly tensorflowVersion?: string;
  /** The version of the npm package. */
  readonly version?: string;
  /** Why TensorFlow computes on the CPU although the GPU package was loaded. */
  readonly withoutGpu?: string;
  /** The module that was loaded. */
  readonly lib: NodeTensorFlow;
}

/**
 * Makes TensorFlow (the C++ library, on a GPU where there is one) the active backend of TensorFlow.js.
 *
 * Loads `@tensorflow/tfjs-node-gpu`, then `@tensorflow/tfjs-node`; neither is a dependency, both are loaded only here.
 * The functions that Node 23 removed from `util` are put back first, where missing. When nothing loads, the error says
 * which part is missing and the command that brings it.
 *
 * @param options what to load and from where
 * @returns the loaded module, its versions, and whether a GPU is in use
 * @throws E_NOT_INSTALLED when neither package is there
 * @throws E_BINDING_MISSING when the package is there without its native binding
 * @throws E_TENSORFLOW_MISSING when the binding is there without the TensorFlow library
 * @throws E_NO_DRIVER when a GPU is needed and no NVIDIA driver answers
 * @throws E_CUDA_MISSING when the loader does not find the CUDA libraries of the right version
 * @throws E_CUDNN_MISSING when the loader does not find the cuDNN library of the right version
 * @throws E_NO_GPU_DEVICE when all of these are there and TensorFlow still sees no GPU
 * @throws E_LOAD_FAILED when loading fails for another reason
 * @throws E_TWO_TFJS when the package brings its own copy of `@tensorflow/tfjs-core`
 * @throws E_BACKEND_NOT_REGISTERED when the module that was loaded registers no backend `tensorflow`
 * @throws E_OPTION when an option is unknown or has the wrong type
 *
 * @example
 * ```ts
 * import { useNodeGpu } from '@tesserae/backend-node-gpu';
 *
 * // On a machine with TensorFlow this computes on it; elsewhere the error says what to do.
 * const what = await useNodeGpu().then((loaded) => loaded.name, (error) => error.code.slice(0, 2));
 * console.log(['tensorflow', 'E_'].includes(what)); // → true
 * ```
 */
export async function useNodeGpu(options: NodeGpuOptions = {}): Promise<NodeGpuBackend> {
  checkNodeGpuOptions(options);
  restoreUtilFunctions();
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '1'; // TensorFlow greets on stderr otherwise
  if (options.lib !== undefined) {
    return activate(
      typeof options.lib === 'function' ? await loadOwn(options.lib, options) : options.lib,
      undefined,
      options,
    );
  }
  const failures: TesseraeError[] = [];
  for (const name of packagesToTry(options)) {
    try {
      return await activate(load(name, options), name, options);
    } catch (error) {
      if (!isTesseraeError(error)) throw error;
      failures.push(error);
    }
  }
  throw summarize(failures);
}

/** Loads as the application wants it. */
async function loadOwn(
  load: () => NodeTensorFlow | Promise<NodeTensorFlow>,
  options: NodeGpuOptions,
): Promise<NodeTensorFlow> {
  try {
    return await load();
  } catch (cause) {
    const part = explainLoadFailure(cpuPackage, cause, options.probes ?? systemProbes(options.folder));
    throw part !== undefined
      ? partError(cpuPackage, part, cause)
      : loadFailed('the module given as lib', cause, 'load @tensorflow/tfjs-node, or leave lib out');
  }
}

function loadFailed(speaker: string, cause: unknown, fix: string): TesseraeError {
  const said = cause instanceof Error ? cause.message : String(cause);
  const message = `${speaker} does not load: ${said.trim().split('\n', 1)[0]}`;
  return nodeGpuError({ code: 'E_LOAD_FAILED', message, fix, cause, details: { summary: 'does not load' } });
}

function packagesToTry({ prefer = 'gpu', only = false }: NodeGpuOptions): NodeGpuPackage[] {
  const [first, second] = prefer === 'gpu' ? [gpuPackage, cpuPackage] : [cpuPackage, gpuPackage];
  return only ? [first as NodeGpuPackage] : [first as NodeGpuPackage, second as NodeGpuPackage];
}

/** Loads one package. What is known to fail is not even tried: the package would leave half of itself registered. */
function load(name: NodeGpuPackage, options: NodeGpuOptions): NodeTensorFlow {
  const probes = options.probes ?? systemProbes(options.folder);
  const { folder, missing } = diagnoseNodeGpu(name, { probes });
  const needed = missing !== undefined && ['package', 'binding', 'TensorFlow'].includes(missing.name);
  if (needed || folder === undefined) throw partError(name, missing as NodeGpuPart);
  try {
    return withoutTraces(folder, () => probes.load(folder) as NodeTensorFlow);
  } catch (cause) {
    const part = explainLoadFailure(name, cause, probes);
    if (part !== undefined) throw partError(name, part, cause);
    throw loadFailed(`${name} in ${folder}`, cause, `reinstall it: npm install ${name} --ignore-scripts=false`);
  }
}

async function activate(
  lib: NodeTensorFlow,
  name: NodeGpuPackage | undefined,
  options: NodeGpuOptions,
): Promise<NodeGpuBackend> {
  checkOneCopy(lib, name);
  const speaker = name ?? 'the module given as lib';
  if (tf.engine().registryFactory[backendName] === undefined || !(await tf.setBackend(backendName))) {
    throw nodeGpuError({
      code: 'E_BACKEND_NOT_REGISTERED',
      message: `${speaker} was loaded, but no backend '${backendName}' of it can be used`,
      fix: 'pass the module that @tensorflow/tfjs-node or @tensorflow/tfjs-node-gpu exports',
      details: { summary: 'registers no backend' },
    });
  }
  const backend = tf.backend() as unknown as { isUsingGpuDevice?: boolean; binding?: { TF_Version?: string } };
  const tensorflowVersion = backend.binding?.TF_Version;
  const usingGpu = backend.isUsingGpuDevice === true;
  const noGpu =
    usingGpu || (name !== gpuPackage && options.requireGpu !== true)
      ? undefined
      : gpuAbsent(options, tensorflowVersion);
  if (noGpu !== undefined && options.requireGpu === true) throw noGpu;
  const version = lib.version?.['tfjs-node'];
  return {
    name: backendName,
    ...(name === undefined ? {} : { package: name }),
    usingGpu,
    ...(tensorflowVersion === undefined ? {} : { tensorflowVersion }),
    ...(typeof version === 'string' ? { version } : {}),
    ...(noGpu === undefined ? {} : { withoutGpu: noGpu.message }),
    lib,
  };
}

/** Two copies of tfjs-core do not see each other's backends, gradients or tensors. */
function checkOneCopy(lib: NodeTensorFlow, name: NodeGpuPackage | undefined): void {
  const speaker = name ?? 'the module given as lib';
  if (typeof lib !== 'object' || lib === null || typeof lib.engine !== 'function') {
    throw nodeGpuError({
      code: 'E_BACKEND_NOT_REGISTERED',
      message: `${speaker} is not TensorFlow.js: it has no engine()`,
      fix: 'pass the module that @tensorflow/tfjs-node or @tensorflow/tfjs-node-gpu exports',
      details: { summary: 'is not TensorFlow.js' },
    });
  }
  if (lib.engine === tf.engine) return;
  const theirs = lib.version?.['tfjs-core'];
  throw nodeGpuError({
    code: 'E_TWO_TFJS',
    message: `${speaker} brings its own copy of @tensorflow/tfjs-core (${typeof theirs === 'string' ? theirs : 'version unknown'}) beside the one in use (${tf.version_core})`,
    fix:
      typeof theirs === 'string' && theirs !== tf.version_core
        ? `run npm install @tensorflow/tfjs-core@${theirs} and npm dedupe`
        : 'run npm dedupe',
    details: { summary: 'brings a second copy of tfjs-core', ours: tf.version_core, theirs },
  });
}

/** All three may be there, in a version that this TensorFlow does not take. */
function gpuAbsent(options: NodeGpuOptions, tensorflowVersion: string | undefined): TesseraeError {
  const probes = options.probes ?? systemProbes(options.folder);
  const known = tensorflowVersion === undefined ? {} : { tensorflowVersion };
  const part = diagnoseNodeGpu(gpuPackage, { probes, ...known }).parts.find(
    ({ found, name }) => !found && (name === 'driver' || name === 'CUDA' || name === 'cuDNN'),
  );
  if (part !== undefined) return partError(gpuPackage, part);
  return nodeGpuError({
    code: 'E_NO_GPU_DEVICE',
    message:
      `TensorFlow ${tensorflowVersion ?? ''} loaded but sees no GPU, although driver, CUDA and cuDNN are there`.replace(
        '  ',
        ' ',
      ),
    fix: 'run nvidia-smi, unset CUDA_VISIBLE_DEVICES, and check that the TensorFlow library was built for CUDA',
    details: { summary: 'sees no GPU' },
  });
}

function partError(name: NodeGpuPackage, part: NodeGpuPart, cause?: unknown): TesseraeError {
  return nodeGpuError({
    code: part.code,
    message: part.detail,
    fix: part.fix,
    ...(cause === undefined ? {} : { cause }),
    details: {
      summary: part.name === 'package' ? 'not installed' : `${part.name} missing`,
      package: name,
      part: part.name,
    },
  });
}

/** Of two failures, the one of a package that is there says more than the absence of the other. */
function summarize(failures: readonly TesseraeError[]): TesseraeError {
  const telling = failures.find((error) => error.code !== 'E_NOT_INSTALLED');
  if (telling !== undefined) return telling;
  const [first] = failures as [TesseraeError];
  if (failures.length === 1) return first;
  return nodeGpuError({
    code: 'E_NOT_INSTALLED',
    message: `neither ${gpuPackage} nor ${cpuPackage} is installed`,
    fix: `run npm install ${gpuPackage} on a machine with an NVIDIA GPU, npm install ${cpuPackage} on another`,
    cause: first,
    details: { summary: 'not installed' },
  });
}

function nodeGpuError(options: Omit<TesseraeErrorOptions, 'package'>): TesseraeError {
  return tesseraeError({ package: 'backend-node-gpu', ...options });
}

function checkNodeGpuOptions(options: NodeGpuOptions): void {
  checkOptions<NodeGpuOptions>({ package: 'backend-node-gpu', name: 'useNodeGpu', code: 'E_OPTION' }, options, {
    lib: {
      expected: 'the loaded module, or a function that loads it',
      test: (value) => (typeof value === 'object' && value !== null) || typeof value === 'function',
    },
    prefer: oneOf('gpu', 'cpu'),
    only: optionRules.boolean,
    requireGpu: optionRules.boolean,
    folder: optionRules.string,
    probes: optionRules.object,
  });
}

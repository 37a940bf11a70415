import { readdirSync } from 'node:fs';
import path from 'node:path';
import { isTesseraeError } from '@tesserae/registry';
import { checkTensor, elementTypeOfCode } from './elementTypes';
import { reasonOf, requireIdle, runtimeError } from './errors';
import { findOnnxruntimeNode, nodeRequire } from './library';
import { providerError } from './providers';
import { checkComplete, fitPort } from './ports';
import { checkModel, checkSessionOptions, noProfile } from './sessions';
import { statusError } from './status';
import type {
  Binding,
  DeviceValue,
  ElementType,
  Port,
  Runtime,
  Session,
  SessionOptions,
  TypedArray,
  Value,
} from './types';

/** A tensor of onnxruntime-common. */
interface CommonTensor {
  readonly data: TypedArray;
  readonly dims: readonly number[];
}

/** What `onnxruntime-node` keeps in its own native module: a session that runs at once. */
interface NodeSession {
  loadModel(file: string, options: object): void;
  loadModel(buffer: ArrayBufferLike, byteOffset: number, byteLength: number, options: object): void;
  readonly inputMetadata: NodePort[];
  readonly outputMetadata: NodePort[];
  run(
    feeds: Record<string, CommonTensor>,
    fetches: Record<string, CommonTensor | null>,
    options: object,
  ): Record<string, CommonTensor>;
  endProfiling(): void;
  dispose(): void;
}

interface NodePort {
  name: string;
  isTensor: boolean;
  /** ONNXTensorElementDataType. */
  type?: number;
  shape?: number[];
}

interface NodeLayer {
  readonly Session: new () => NodeSession;
  readonly Tensor: new (type: string, data: TypedArray, dims: readonly number[]) => CommonTensor;
}

/** onnxruntime-node's names for providers, and ONNX Runtime's own. */
const providerNames: Readonly<Record<string, string>> = {
  cpu: 'CPUExecutionProvider',
  webgpu: 'WebGpuExecutionProvider',
  cuda: 'CUDAExecutionProvider',
  tensorrt: 'TensorrtExecutionProvider',
  dml: 'DmlExecutionProvider',
  coreml: 'CoreMLExecutionProvider',
};

/**
 * The runtime on `onnxruntime-node`'s own layer. Runs are synchronous inside; `runAsync` only begins one turn later, and
 * a signal can only stop it before it begins. Outputs are copied into their values after each run.
 *
 * @param fallbackReason why the C API was not taken
 * @throws E_RUNTIME_MISSING when the package or its binary is not there
 */
export function loadOnnxruntimeNode(fallbackReason?: string): Runtime {
  const { folder, version } = findOnnxruntimeNode();
  let layer: NodeLayer;
  let providers: string[];
  try {
    const load = nodeRequire();
    const native = load(path.join(folder, 'dist', 'binding.js')) as {
      binding: { InferenceSession: NodeLayer['Session']; listSupportedBackends(): { name: string }[] };
      initOrt(): void;
    };
    const common = load(load.resolve('onnxruntime-common', { paths: [folder] })) as { Tensor: NodeLayer['Tensor'] };
    native.initOrt();
    layer = { Session: native.binding.InferenceSession, Tensor: common.Tensor };
    providers = native.binding.listSupportedBackends().map(({ name }) => providerNames[name] ?? name);
  } catch (cause) {
    throw runtimeError(
      'E_RUNTIME_MISSING',
      `onnxruntime-node ${version} cannot be loaded: ${reasonOf(cause)}`,
      'npm install onnxruntime-node',
      {
        cause,
        details: { fallbackReason },
      },
    );
  }
  return {
    kind: 'onnxruntime-node',
    version,
    providers,
    ...(fallbackReason === undefined ? {} : { fallbackReason }),
    createSession: (model, options = {}) => createNodeSession(layer, model, options),
    createValue: (data, dims, type) => createNodeValue(layer, data, dims, type),
    createDeviceValue: () => {
      throw runtimeError(
        'E_NOT_IMPLEMENTED',
        "onnxruntime-node keeps no tensors in a provider's memory",
        'install koffi, or use createValue',
      );
    },
  };
}

const brand: unique symbol = /* @__PURE__ */ Symbol.for('tesserae.onnxruntime-node.value.v1');

/** What a value is for onnxruntime-node. */
interface Inside {
  /** Undefined once disposed of. */
  feed: (() => CommonTensor) | undefined;
}

interface NodeValue extends Value {
  readonly [brand]: Inside;
}

function createNodeValue({ Tensor }: NodeLayer, data: TypedArray, dims: readonly number[], type: ElementType): Value {
  checkTensor(data, dims, type);
  if (type === 'bfloat16')
    throw runtimeError(
      'E_NOT_IMPLEMENTED',
      'onnxruntime-node has no bfloat16 tensors',
      'install koffi, or use float32',
    );
  const shape = Object.freeze([...dims]);
  // It cannot read shared memory: that is copied at each run.
  const isShared = Object.prototype.toString.call(data.buffer) === '[object SharedArrayBuffer]';
  const tensor = isShared ? undefined : new Tensor(type, data, shape);
  const inside: Inside = { feed: () => tensor ?? new Tensor(type, data.slice(), shape) };
  const value: NodeValue = {
    data,
    dims: shape,
    type,
    get disposed() {
      return inside.feed === undefined;
    },
    dispose: () => void (inside.feed = undefined),
    [brand]: inside,
  };
  return value;
}

function feedOf(value: Value, what: string): () => CommonTensor {
  const inside = (value as Partial<NodeValue> | null | undefined)?.[brand];
  if (inside === undefined) {
    throw runtimeError(
      'E_VALUE_FOREIGN',
      `${what} is no value of this runtime`,
      'make it with createValue of the runtime that made the session',
    );
  }
  if (inside.feed === undefined) {
    throw runtimeError('E_DISPOSED', `the value for ${what} was disposed of`, 'dispose of values after their last run');
  }
  return inside.feed;
}

function createNodeSession(layer: NodeLayer, model: Uint8Array | string, options: SessionOptions): Session {
  checkSessionOptions(options);
  checkModel(model);
  const native = new layer.Session();
  const settings = nodeOptions(options);
  try {
    if (typeof model === 'string') native.loadModel(model, settings);
    else native.loadModel(model.buffer, model.byteOffset, model.byteLength, settings);
  } catch (cause) {
    const error = nodeError(cause, 'create a session');
    if (options.provider === undefined || options.provider === 'cpu' || !isTesseraeError(error, 'E_RUNTIME_FAILED'))
      throw error;
    throw providerError(options.provider, cause);
  }
  const inputs = native.inputMetadata.map(portOf);
  const outputs = native.outputMetadata.map(portOf);
  const state = { disposed: false, running: 0 };
  const alive = (what: string): void => {
    if (state.disposed)
      throw runtimeError('E_DISPOSED', `cannot ${what}: the session was disposed of`, 'make a new session');
    if (state.running > 0)
      throw runtimeError('E_RUNNING', `cannot ${what}: the session is running`, 'await its runs first');
  };
  return {
    inputNames: inputs.map((port) => port.name),
    outputNames: outputs.map((port) => port.name),
    inputs,
    outputs,
    get disposed() {
      return state.disposed;
    },
    createBinding(boundInputs = {}, boundOutputs = {}) {
      if (state.disposed) alive('make a binding');
      const binding = createNodeBinding(native, state, byName(inputs), byName(outputs));
      for (const name of Object.keys(boundInputs)) binding.setInput(name, boundInputs[name]);
      for (const name of Object.keys(boundOutputs)) binding.setOutput(name, boundOutputs[name]);
      return binding;
    },
    endProfiling() {
      alive('end profiling');
      if (options.profile === undefined) throw noProfile();
      native.endProfiling();
      return newestTrace(options.profile);
    },
    dispose() {
      if (state.disposed) return;
      alive('dispose of it');
      state.disposed = true;
      native.dispose();
    },
  };
}

function createNodeBinding(
  native: NodeSession,
  session: { disposed: boolean; running: number },
  inputs: ReadonlyMap<string, Port>,
  outputs: ReadonlyMap<string, Port>,
): Binding {
  const bound = { input: new Map<string, Value>(), output: new Map<string, Value>() };
  let disposed = false;
  let running = false;
  const idle = (what: string): void => requireIdle(what, { disposed: disposed || session.disposed, running });
  const place = (side: 'input' | 'output', name: string, value: Value | DeviceValue): void => {
    idle(`set ${side} '${name}'`);
    feedOf(value as Value, `${side} '${name}'`);
    fitPort(side === 'input' ? inputs : outputs, side, name, value);
    bound[side].set(name, value as Value);
  };
  const compute = (): void => {
    checkComplete(inputs, bound.input, bound.output.size);
    const feeds: Record<string, CommonTensor> = {};
    const fetches: Record<string, null> = {};
    for (const [name, value] of bound.input) {
      const what = `input '${name}'`;
      const feed = feedOf(value, what);
      stays(value, what);
      feeds[name] = feed();
    }
    for (const [name, value] of bound.output) {
      feedOf(value, `output '${name}'`);
      stays(value, `output '${name}'`);
      fetches[name] = null;
    }
    let results: Record<string, CommonTensor>;
    try {
      results = native.run(feeds, fetches, {});
    } catch (cause) {
      throw nodeError(cause, 'run the session');
    }
    for (const [name, value] of bound.output) copyInto(value, results[name], name);
  };
  return {
    get disposed() {
      return disposed || session.disposed;
    },
    get running() {
      return running;
    },
    setInput: (name, value) => place('input', name, value),
    setOutput: (name, value) => place('output', name, value),
    run() {
      idle('run');
      compute();
    },
    async runAsync({ signal } = {}) {
      idle('run');
      running = true;
      session.running += 1;
      try {
        if (signal?.aborted !== true) await new Promise((resolve) => setImmediate(resolve));
        if (signal?.aborted === true) {
          throw runtimeError('E_CANCELLED', 'the run was cancelled by its signal', 'run again with another signal', {
            cause: signal.reason,
          });
        }
        compute();
      } finally {
        running = false;
        session.running -= 1;
      }
    },
    dispose() {
      if (running) idle('dispose of it');
      disposed = true;
      bound.input.clear();
      bound.output.clear();
    },
  };
}

function stays(value: Value, what: string): void {
  if (value.data.length === value.dims.reduce((product, size) => product * size, 1)) return;
  throw runtimeError(
    'E_VALUE_BUFFER',
    `the memory of ${what} was transferred away`,
    'never transfer the buffer of a bound array',
  );
}

function copyInto(value: Value, result: CommonTensor, name: string): void {
  if (result.dims.length !== value.dims.length || result.dims.some((size, axis) => size !== value.dims[axis])) {
    throw runtimeError(
      'E_RUNTIME_ARGUMENT',
      `output '${name}' came out as [${result.dims.join(',')}], found a value of [${value.dims.join(',')}]`,
      'bind a value of that shape',
    );
  }
  (value.data as Uint8Array).set(result.data as Uint8Array);
}

const byName = (ports: Port[]): ReadonlyMap<string, Port> => new Map(ports.map((port) => [port.name, port]));

function portOf({ name, isTensor, type, shape }: NodePort): Port {
  return { name, type: isTensor && type !== undefined ? elementTypeOfCode(type) : undefined, dims: shape ?? [] };
}

/** Session options as onnxruntime-node names them. */
function nodeOptions(options: SessionOptions): object {
  const { threads, provider, providerOptions, graphOptimization, profile, memoryPattern, arena } = options;
  if (Object.keys(options.initializers ?? {}).length > 0 || (options.operatorLibraries ?? []).length > 0) {
    throw runtimeError(
      'E_NOT_IMPLEMENTED',
      'onnxruntime-node takes neither initializers nor operator libraries',
      'install koffi; or embed the weights, and use operators that ONNX Runtime has',
    );
  }
  return {
    graphOptimizationLevel: graphOptimization ?? 'all',
    enableMemPattern: memoryPattern ?? true,
    enableCpuMemArena: arena ?? true,
    logSeverityLevel: 4,
    extra: options.configEntries ?? {},
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    ...(provider === undefined ? {} : { executionProviders: [{ name: provider, ...providerOptions }] }),
    ...(profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: profile }),
  };
}

/** onnxruntime-node does not say where it wrote the trace: prefix, date, time. */
function newestTrace(prefix: string): string {
  const folder = path.dirname(prefix);
  const files = readdirSync(folder)
    .filter((name) => name.startsWith(`${path.basename(prefix)}_`) && name.endsWith('.json'))
    .sort();
  const newest = files.at(-1);
  if (newest === undefined)
    throw runtimeError('E_RUNTIME_FAILED', `no trace was written at ${prefix}`, 'check that the folder can be written');
  return path.join(folder, newest);
}

/** onnxruntime-node throws plain errors; ONNX Runtime's status is only in their text. */
function nodeError(cause: unknown, doing: string): Error {
  const message = reasonOf(cause);
  const code = /INVALID_PROTOBUF|protobuf parsing failed/i.test(message)
    ? 7
    : /NO_SUCHFILE|file doesn't exist|File does not exist/i.test(message)
      ? 3
      : /INVALID_GRAPH|not a valid graph|This is an invalid model/i.test(message)
        ? 10
        : /NOT_IMPLEMENTED/i.test(message)
          ? 9
          : /INVALID_ARGUMENT|Invalid (feed|input|rank)|Missing Input|Unexpected input|Got invalid dimensions/i.test(
                message,
              )
            ? 2
            : 1;
  return statusError(code, message, doing);
}

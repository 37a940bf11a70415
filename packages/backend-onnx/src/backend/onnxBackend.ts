import * as tf from '@tensorflow/tfjs-core';
import { sameShape, sizeOf } from '../graph/shape';
import type { KernelLowering, Lowering } from '../lowering/types';
import { loadRuntime } from '../runtime/loadRuntime';
import type { ElementType, Runtime, Value } from '../runtime/types';
import { createProgramCompiler } from '../trace/compiler';
import type { FlatCompiler } from '../trace/types';
import { createBufferPool } from './bufferPool';
import type { BufferPool } from './bufferPool';
import { createEagerExecutor } from './eagerExecutor';
import type { EagerExecutor } from './eagerExecutor';
import { backendError, staleError } from './errors';
import type { Recording, TensorHost } from './host';
import { registerLowering, supportsKernel } from './kernels';
import { resolveOptions } from './options';
import type { OnnxBackendOptions, ResolvedOptions } from './options';
import { runOnStrings, takesStrings } from './stringKernels';
import { allocateValues, bytesPerElement } from './tensorRecord';
import type { TensorRecord, TensorSymbol, TensorValues } from './tensorRecord';

const compileSymbol: unique symbol = /* @__PURE__ */ Symbol.for('tesserae.compile') as never;
const loweringsSymbol: unique symbol = /* @__PURE__ */ Symbol.for('tesserae.lowerings') as never;
const supportsSymbol: unique symbol = /* @__PURE__ */ Symbol.for('tesserae.supports') as never;

/** What `tf.memory()` tells about this backend beside the tensors. */
export interface OnnxMemory {
  readonly unreliable: boolean;
  readonly reasons: string[];
  /** Bytes of disposed tensors that are kept for new ones. */
  readonly numBytesInPool: number;
  /** One-kernel sessions that are kept for eager calls. */
  readonly numEagerSessions: number;
  /** Compiled programs that are not disposed. */
  readonly numPrograms: number;
}

/** TensorFlow.js's backend on ONNX Runtime, as its users see it. Make it with `useOnnx`. */
export interface OnnxBackend extends tf.KernelBackend {
  /** The library that computes. */
  readonly runtime: Runtime;
  /** Takes other options; tensors and compiled programs stay, cached one-kernel sessions go. @throws E_BACKEND_OPTION */
  configure(options: OnnxBackendOptions): void;
  memory(): OnnxMemory;
}

/** The backend itself. */
export class OnnxRuntimeBackend extends tf.KernelBackend implements OnnxBackend, TensorHost {
  /** The library that computes. */
  readonly runtime: Runtime;
  /** Compiles a function of tensors into one program; `compile` of the core package uses it. */
  readonly [compileSymbol]: FlatCompiler;
  /** Adds a kernel to this backend; `defineOp` of the core package uses it. */
  readonly [loweringsSymbol]: (name: string, lowering: Lowering) => void;
  /** Whether a fused kernel can take these inputs here; `defineOp` of the core package asks. */
  readonly [supportsSymbol]: (
    name: string,
    inputs: tf.NamedTensorInfoMap,
    attributes: Readonly<Record<string, unknown>>,
  ) => boolean;
  /** @internal */
  readonly pool: BufferPool;
  /** @internal */
  readonly programs: Set<{ dispose(): void }> = new Set();
  /** @internal Whether the device computes products of float16. */
  halfProducts = false;
  /** @internal The trace that is being recorded. */
  trace: Recording | undefined;
  readonly #records: tf.DataStorage<TensorRecord>;
  #options: ResolvedOptions;
  #eager: EagerExecutor;

  constructor(options: OnnxBackendOptions = {}) {
    super();
    this.#options = resolveOptions(options);
    this.runtime = loadRuntime(this.#options.runtime);
    this.#records = new tf.DataStorage(this, tf.engine());
    this.pool = createBufferPool(this.#options.maxPoolBytes);
    this.#eager = createEagerExecutor(this, this.#options);
    this[compileSymbol] = createProgramCompiler(this);
    this[loweringsSymbol] = registerLowering;
    this[supportsSymbol] = (name, inputs, attributes) =>
      supportsKernel(name, inputs, attributes, this.#options.nativeKernels !== undefined);
  }

  /** @internal */
  get options(): ResolvedOptions {
    return this.#options;
  }

  /** Takes other options; tensors and compiled programs stay, cached one-kernel sessions go. @throws E_BACKEND_OPTION */
  configure(options: OnnxBackendOptions): void {
    const resolved = resolveOptions(options);
    if (loadRuntime(resolved.runtime) !== this.runtime) {
      throw backendError(
        'E_BACKEND_OPTION',
        'the backend has another runtime loaded already',
        'choose the runtime in the first useOnnx, or tf.removeBackend("onnx") first',
      );
    }
    this.#eager.dispose();
    this.#options = resolved;
    this.#eager = createEagerExecutor(this, resolved);
    this.pool.limit = resolved.maxPoolBytes;
    this.pool.clear();
  }

  /** @internal Runs a kernel, or records it when a function is being traced. */
  runKernel(
    kernel: KernelLowering,
    inputs: readonly (tf.TensorInfo | undefined)[],
    attributes: Readonly<Record<string, unknown>>,
  ): tf.TensorInfo[] {
    if (this.trace) return this.trace.record(kernel, inputs, attributes);
    const run: EagerExecutor['run'] = (...call) => this.#eager.run(...call);
    if (takesStrings(kernel, inputs)) return runOnStrings(this, run, kernel, inputs, attributes);
    if (kernel.kernelName === 'Fill' && typeof attributes.value === 'string') return [this.#fillWith(attributes)];
    return run(kernel, inputs, attributes);
  }

  #fillWith({ value, shape }: Readonly<Record<string, unknown>>): tf.TensorInfo {
    const word = tf.util.encodeString(value as string);
    const strings = new Array<Uint8Array>(sizeOf(shape as number[])).fill(word);
    return { dataId: this.write(strings, shape as number[], 'string'), shape: shape as number[], dtype: 'string' };
  }

  // --- data -----------------------------------------------------------------------------------------------------------

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): object {
    const dataId = {};
    this.#records.set(dataId, this.#recordOf(values, shape, dtype, 1));
    return dataId;
  }

  override move(
    dataId: object,
    values: tf.BackendValues,
    shape: number[],
    dtype: tf.DataType,
    references: number,
  ): void {
    this.#records.set(dataId, this.#recordOf(values, shape, dtype, references));
  }

  #recordOf(values: tf.BackendValues, shape: readonly number[], dtype: tf.DataType, references: number): TensorRecord {
    const record: TensorRecord = { shape: shape.slice(), dtype, references, owned: false, busy: 0, bound: [] };
    if (dtype === 'string') record.strings = values as Uint8Array[];
    else record.values = plainValues(values as ArrayLike<number>, dtype);
    return record;
  }

  /** @internal Data that this backend made. */
  adopt(values: TensorValues, shape: readonly number[], dtype: tf.DataType, value?: Value): tf.TensorInfo {
    const dataId = {};
    this.#records.set(dataId, {
      shape,
      dtype,
      values,
      references: 1,
      owned: true,
      busy: 0,
      bound: value ? [value] : [],
    });
    return { dataId, shape: shape as number[], dtype };
  }

  /** @internal A tensor without data. */
  adoptSymbol(symbol: TensorSymbol): tf.TensorInfo {
    const dataId = {};
    const { shape } = symbol.tensor;
    const dtype = symbol.tensor.dtype as tf.DataType;
    this.#records.set(dataId, { shape, dtype, references: 1, owned: false, busy: 0, bound: [], symbol });
    return { dataId, shape: shape as number[], dtype };
  }

  /** @internal */
  record(dataId: object): TensorRecord {
    return this.#records.get(dataId);
  }

  /** @internal Memory for a tensor; what is in it is undefined. */
  allocate(shape: readonly number[], dtype: tf.DataType): TensorValues {
    const size = sizeOf(shape);
    return allocateValues(dtype, this.pool.take(size * bytesPerElement(dtype)), size);
  }

  /** @internal The tensor of the runtime that shares memory with a record. */
  valueFor(record: TensorRecord, shape: readonly number[]): Value {
    const known = record.bound.find(({ dims }) => sameShape(dims, shape));
    if (known) return known;
    if (!record.values) throw this.valueError(record);
    const value = this.runtime.createValue(record.values, shape, record.dtype as ElementType);
    record.bound.push(value);
    return value;
  }

  override readSync(dataId: object): tf.BackendValues {
    const record = this.#records.get(dataId);
    if (record.strings) return record.strings;
    if (!record.values) throw this.valueError(record);
    record.owned = false; // the caller holds the array now
    return record.values;
  }

  override read(dataId: object): Promise<tf.BackendValues> {
    try {
      return Promise.resolve(this.readSync(dataId));
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /** @internal The error of code that wants the value of a symbol. */
  valueError(record: TensorRecord): Error {
    const symbol = record.symbol;
    const what = `the value of the result of '${symbol?.kernel ?? 'a kernel'}' ([${record.shape.join()}] ${record.dtype})`;
    if (symbol?.trace !== this.trace) return staleError(what);
    return backendError(
      'E_TRACE_VALUE',
      `${what} was asked for while '${this.trace?.name ?? ''}' is compiled, but a traced tensor has no value`,
      'use tf.where instead of if, a mask instead of tf.booleanMask or tf.whereAsync, and return the tensor to read it (dataSync, data, array, print) outside',
      { details: { kernel: symbol?.kernel, shape: record.shape, dtype: record.dtype } },
    );
  }

  override disposeData(dataId: object, force = false): boolean {
    if (!this.#records.has(dataId)) return true;
    const record = this.#records.get(dataId);
    record.references--;
    if (!force && record.references > 0) return false;
    this.#records.delete(dataId);
    if (record.busy > 0) return true; // a run on another thread still uses the memory
    for (const value of record.bound.splice(0)) value.dispose();
    if (record.owned && record.values) this.pool.give(record.values.buffer as ArrayBuffer);
    return true;
  }

  override refCount(dataId: object): number {
    return this.#records.has(dataId) ? this.#records.get(dataId).references : 0;
  }

  override incRef(dataId: object): void {
    this.#records.get(dataId).references++;
  }

  decRef(dataId: object): void {
    if (this.#records.has(dataId)) this.#records.get(dataId).references--;
  }

  override numDataIds(): number {
    return this.#records.numDataIds();
  }

  // --- facts ----------------------------------------------------------------------------------------------------------

  override memory(): OnnxMemory {
    return {
      unreliable: false,
      reasons: [],
      numBytesInPool: this.pool.bytes,
      numEagerSessions: this.#eager.sessions,
      numPrograms: this.programs.size,
    };
  }

  override timerAvailable(): boolean {
    return true;
  }

  override time(run: () => void): Promise<tf.BackendTimingInfo> {
    const start = performance.now();
    run();
    return Promise.resolve({ kernelMs: performance.now() - start });
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  /** Frees every program and every cached session; tensors that still live are lost. */
  override dispose(): void {
    for (const program of this.programs) program.dispose();
    this.#eager.dispose();
    this.pool.clear();
  }
}

/** The array that a tensor of this dtype lives in. Bytes of a bool are made 0 or 1: ONNX Runtime knows no other. */
function plainValues(values: ArrayLike<number>, dtype: tf.DataType): TensorValues {
  if (dtype === 'float32') return values instanceof Float32Array ? values : Float32Array.from(values);
  if (dtype === 'int32') return values instanceof Int32Array ? values : Int32Array.from(values);
  if (dtype === 'bool') {
    const plain = values instanceof Uint8Array && values.every((value) => value <= 1);
    return plain ? (values as Uint8Array) : Uint8Array.from(values, (value) => Number(Boolean(value)));
  }
  throw backendError(
    'E_KERNEL_DTYPE',
    `tensors of ${dtype} cannot live on the backend 'onnx'`,
    "use float32, int32, bool or string, or tf.setBackend('cpu')",
  );
}

export { compileSymbol, loweringsSymbol, supportsSymbol };

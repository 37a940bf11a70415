/** The element types that tensors of a program may have. */
export type ElementType =
  | 'float32'
  | 'int32'
  | 'bool'
  | 'int64'
  | 'uint8'
  | 'int8'
  | 'float16'
  | 'float64'
  | 'uint16'
  | 'int16'
  | 'uint32'
  | 'uint64'
  | 'bfloat16';

/**
 * The memory of a value. Which class belongs to which element type: `Float32Array` float32, `Float64Array` float64,
 * `Int8Array` int8, `Uint8Array` uint8 and bool, `Int16Array` int16, `Uint16Array` uint16, float16 and bfloat16 (their
 * bits), `Int32Array` int32, `Uint32Array` uint32, `BigInt64Array` int64, `BigUint64Array` uint64.
 */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** Where a session computes. */
export type Provider = 'cpu' | 'webgpu' | 'cuda';

/** How a session is made. */
export interface SessionOptions {
  /** Threads inside one operator; the default is every core the process may use. */
  threads?: number;
  /** Where to compute; the default is `cpu`. */
  provider?: Provider;
  /** Options of the provider, as ONNX Runtime names them. */
  providerOptions?: Record<string, string>;
  /** How far ONNX Runtime rewrites the graph; the default is `all`. */
  graphOptimization?: 'disabled' | 'basic' | 'extended' | 'all';
  /** Path prefix: every run is recorded, and `endProfiling` writes a Chrome trace there. */
  profile?: string;
  /** Session configuration entries, as ONNX Runtime names them. */
  configEntries?: Record<string, string>;
  /** Plan memory from the first run; the default is true. */
  memoryPattern?: boolean;
  /** Keep freed memory for the next run; the default is true. */
  arena?: boolean;
  /** Paths of shared libraries that hold operators of one's own. */
  operatorLibraries?: readonly string[];
  /** Weights handed over by name instead of being embedded in the model: they share memory with the session. */
  initializers?: Record<string, Value>;
}

/** An input or output of a session: its name, element type, and dims, where `-1` stands for one that may vary. */
export interface Port {
  readonly name: string;
  /** Undefined for what is no tensor, and for element types that have no typed array. */
  readonly type: ElementType | undefined;
  readonly dims: readonly number[];
}

/** The library that runs programs. */
export interface Runtime {
  /** `c-api`: tensors share memory with typed arrays. `onnxruntime-node`: outputs are copied at each run. */
  readonly kind: 'c-api' | 'onnxruntime-node';
  /** The version of ONNX Runtime. */
  readonly version: string;
  /** The execution providers that are compiled in, as ONNX Runtime names them. */
  readonly providers: string[];
  /** Why the C API was not taken, when `kind` is `onnxruntime-node` and nobody asked for it. */
  readonly fallbackReason?: string;
  /** Makes a session from the bytes of an ONNX model, or from the path of one. */
  createSession(model: Uint8Array | string, options?: SessionOptions): Session;
  /** Makes a tensor that shares memory with `data`. */
  createValue(data: TypedArray, dims: readonly number[], type: ElementType): Value;
  /** Makes a tensor in the memory of a provider that has its own, holding anything; needs ONNX Runtime 1.23. */
  createDeviceValue(dims: readonly number[], type: ElementType, provider: Provider): DeviceValue;
}

/** A tensor. It keeps `data` alive, and `data` must keep its memory: never transfer its buffer. */
export interface Value {
  readonly data: TypedArray;
  readonly dims: readonly number[];
  readonly type: ElementType;
  readonly disposed: boolean;
  /** Frees the handle, not `data`. A binding that holds the value cannot run any more until it gets another one. */
  dispose(): void;
}

/**
 * A tensor in the memory of a provider. Bound as an input and as an output it stays there between runs, so that state
 * need not travel; reading it waits until what was computed is there.
 */
export interface DeviceValue {
  readonly dims: readonly number[];
  readonly type: ElementType;
  readonly provider: Provider;
  readonly disposed: boolean;
  /** Copies an array into it. */
  write(data: TypedArray): void;
  /** Copies it into an array, a new one unless given. @returns the array */
  read(into?: TypedArray): TypedArray;
  dispose(): void;
}

/** A loaded model. */
export interface Session {
  readonly inputNames: string[];
  readonly outputNames: string[];
  /** Element type and dims of each input. */
  readonly inputs: readonly Port[];
  /** Element type and dims of each output. */
  readonly outputs: readonly Port[];
  readonly disposed: boolean;
  /** Ties values to the session's inputs and outputs; more can be set later, each can be replaced. */
  createBinding(inputs?: Record<string, Value | DeviceValue>, outputs?: Record<string, Value | DeviceValue>): Binding;
  /** Ends the recording that `profile` began. @returns the path of the Chrome trace */
  endProfiling(): string;
  /** Frees the session and its bindings. Initializers handed over stay the caller's. */
  dispose(): void;
}

/** The memory that a session's inputs and outputs use. One run at a time; several bindings of one session may run at once. */
export interface Binding {
  readonly disposed: boolean;
  /** True from the call of `runAsync` until its promise settles. */
  readonly running: boolean;
  setInput(name: string, value: Value | DeviceValue): void;
  setOutput(name: string, value: Value | DeviceValue): void;
  /** Runs the session: the outputs are in their values' `data` when it returns. */
  run(): void;
  /**
   * Runs the session on another thread. Until the promise settles, leave the data of every bound value alone.
   * A signal stops it between two operators: the promise rejects with E_CANCELLED and the outputs hold anything.
   */
  runAsync(options?: { signal?: AbortSignal }): Promise<void>;
  dispose(): void;
}

/** Which library is loaded, and how. */
export interface LoadRuntimeOptions {
  /** Path of ONNX Runtime's shared library; the default is TESSERAE_ONNXRUNTIME_LIBRARY, else the one in `onnxruntime-node`. */
  libraryPath?: string;
  /** `c-api` never falls back; `onnxruntime-node` never tries the C API. */
  prefer?: 'c-api' | 'onnxruntime-node';
}

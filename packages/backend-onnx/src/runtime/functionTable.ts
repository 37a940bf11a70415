import { runtimeError } from './errors';
import type { Koffi, NativeFunction } from './library';

/**
 * Kinds of arguments. Pointers that come from the library are plain numbers (user addresses stay below 2^53), which is
 * the cheapest thing to hand over; memory of ours goes over as a typed array.
 */
const kinds = {
  /** A pointer that the library gave, or 0. */
  handle: 'uintptr_t',
  /** Memory of ours: a typed array. */
  memory: 'void *',
  int: 'int',
  size: 'size_t',
  string: 'str',
  /** ORTCHAR_T*: wide characters on Windows. */
  path: process.platform === 'win32' ? 'str16' : 'str',
  none: 'void',
} as const;

type Kind = keyof typeof kinds;
/** `since`: the minor version of ONNX Runtime that brought it, where that is later than the oldest we take. */
type Entry = readonly [index: number, parameters: readonly Kind[], result?: Kind, since?: number];

/**
 * The entries of the OrtApi structure that we call: place in the table, parameters, result (a status unless said
 * otherwise). The table is append-only: places never change once released, and the library asserts its milestones while
 * it is compiled (ReleaseCustomOpDomain 101, SetGlobalSpinControl 149, SynchronizeBoundOutputs 203, GetSessionConfigEntry 238).
 * Everything here exists since ONNX Runtime 1.17, but for those that say otherwise.
 */
const entries = {
  CreateStatus: [0, ['int', 'string']],
  GetErrorCode: [1, ['handle'], 'int'],
  GetErrorMessage: [2, ['handle'], 'string'],
  CreateEnv: [3, ['int', 'string', 'memory']],
  CreateSession: [7, ['handle', 'path', 'handle', 'memory']],
  CreateSessionFromArray: [8, ['handle', 'memory', 'size', 'handle', 'memory']],
  CreateSessionOptions: [10, ['memory']],
  EnableProfiling: [14, ['handle', 'path']],
  DisableMemPattern: [17, ['handle']],
  DisableCpuMemArena: [19, ['handle']],
  SetSessionGraphOptimizationLevel: [23, ['handle', 'int']],
  SetIntraOpNumThreads: [24, ['handle', 'int']],
  SessionGetInputCount: [30, ['handle', 'memory']],
  SessionGetOutputCount: [31, ['handle', 'memory']],
  SessionGetInputTypeInfo: [33, ['handle', 'size', 'memory']],
  SessionGetOutputTypeInfo: [34, ['handle', 'size', 'memory']],
  SessionGetInputName: [36, ['handle', 'size', 'handle', 'memory']],
  SessionGetOutputName: [37, ['handle', 'size', 'handle', 'memory']],
  CreateRunOptions: [39, ['memory']],
  RunOptionsSetTerminate: [46, ['handle']],
  RunOptionsUnsetTerminate: [47, ['handle']],
  CreateTensorAsOrtValue: [48, ['handle', 'memory', 'size', 'int', 'memory']],
  CreateTensorWithDataAsOrtValue: [49, ['handle', 'memory', 'size', 'memory', 'size', 'int', 'memory']],
  GetTensorMutableData: [51, ['handle', 'memory']],
  CastTypeInfoToTensorInfo: [55, ['handle', 'memory']],
  GetTensorElementType: [60, ['handle', 'memory']],
  GetDimensionsCount: [61, ['handle', 'memory']],
  GetDimensions: [62, ['handle', 'memory', 'size']],
  GetTensorTypeAndShape: [65, ['handle', 'memory']],
  CreateCpuMemoryInfo: [69, ['int', 'int', 'memory']],
  MemoryInfoGetName: [71, ['handle', 'memory']],
  AllocatorFree: [76, ['handle', 'handle']],
  GetAllocatorWithDefaultOptions: [78, ['memory']],
  ReleaseStatus: [93, ['handle'], 'none'],
  ReleaseSession: [95, ['handle'], 'none'],
  ReleaseValue: [96, ['handle'], 'none'],
  ReleaseRunOptions: [97, ['handle'], 'none'],
  ReleaseTypeInfo: [98, ['handle'], 'none'],
  ReleaseTensorTypeAndShapeInfo: [99, ['handle'], 'none'],
  ReleaseSessionOptions: [100, ['handle'], 'none'],
  SessionEndProfiling: [110, ['handle', 'handle', 'memory']],
  CreateEnvWithGlobalThreadPools: [119, ['int', 'string', 'handle', 'memory']],
  DisablePerSessionThreads: [120, ['handle']],
  CreateThreadingOptions: [121, ['memory']],
  ReleaseThreadingOptions: [122, ['handle'], 'none'],
  GetAvailableProviders: [125, ['memory', 'memory']],
  ReleaseAvailableProviders: [126, ['handle', 'int']],
  AddSessionConfigEntry: [130, ['handle', 'string', 'string']],
  CreateAllocator: [131, ['handle', 'handle', 'memory']],
  RunWithBinding: [133, ['handle', 'handle', 'handle']],
  CreateIoBinding: [134, ['handle', 'memory']],
  ReleaseIoBinding: [135, ['handle'], 'none'],
  BindInput: [136, ['handle', 'memory', 'handle']],
  BindOutput: [137, ['handle', 'memory', 'handle']],
  SetGlobalIntraOpNumThreads: [147, ['handle', 'int']],
  AddInitializer: [150, ['handle', 'string', 'handle']],
  SessionOptionsAppendExecutionProvider_CUDA_V2: [204, ['handle', 'handle']],
  CreateCUDAProviderOptions: [205, ['memory']],
  UpdateCUDAProviderOptions: [206, ['handle', 'memory', 'memory', 'size']],
  ReleaseCUDAProviderOptions: [208, ['handle'], 'none'],
  SessionOptionsAppendExecutionProvider: [216, ['handle', 'string', 'memory', 'memory', 'size']],
  RegisterCustomOpsLibrary_V2: [228, ['handle', 'path']],
  SessionGetMemoryInfoForOutputs: [381, ['handle', 'memory', 'size'], undefined, 23],
  CopyTensors: [386, ['handle', 'memory', 'memory', 'handle', 'size'], undefined, 23],
} as const satisfies Record<string, Entry>;

/** The functions of the C API that we call. Those that give a status return its pointer, 0 when all is well. */
export type FunctionTable = Readonly<Record<keyof typeof entries, NativeFunction>>;

/**
 * Reads the functions out of an OrtApi structure.
 *
 * @param koffi the foreign-function library
 * @param api address of the structure
 * @param minor the library's minor version: entries that came later throw E_NOT_IMPLEMENTED when called
 * @param isCode tells whether an address can be a function of the library
 * @throws E_RUNTIME_LIBRARY when an entry is no function of the library
 */
export function readFunctionTable(
  koffi: Koffi,
  api: number,
  minor: number,
  isCode: (address: number) => boolean,
): FunctionTable {
  const table: Record<string, NativeFunction> = {};
  for (const [name, [index, parameters, result, since = 0]] of Object.entries(entries) as [string, Entry][]) {
    if (minor < since) {
      table[name] = tooOld(name, since);
      continue;
    }
    const address = Number(koffi.decode(BigInt(api), index * 8, 'uintptr_t'));
    if (!isCode(address)) {
      throw runtimeError(
        'E_RUNTIME_LIBRARY',
        `entry ${index} (${name}) of the library's function table is no function of it`,
        'use the library of the onnxruntime-node package; remove TESSERAE_ONNXRUNTIME_LIBRARY or libraryPath',
      );
    }
    const prototype = koffi.proto(
      kinds[result ?? 'handle'],
      parameters.map((kind) => kinds[kind]),
    );
    table[name] = koffi.decode(BigInt(address), prototype) as NativeFunction;
  }
  return table as FunctionTable;
}

/** Stands for an entry that the library's table does not reach. */
function tooOld(name: string, since: number): NativeFunction {
  const refuse = (): never => {
    throw runtimeError(
      'E_NOT_IMPLEMENTED',
      `${name} came with ONNX Runtime 1.${since}, and this one is older`,
      'use a later one',
    );
  };
  return Object.assign(refuse, { async: refuse });
}

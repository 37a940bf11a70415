import { readAddressSpace } from './addressSpace';
import { reasonOf, runtimeError } from './errors';
import { readFunctionTable } from './functionTable';
import type { FunctionTable } from './functionTable';
import type { Koffi, LibraryLocation, NativeFunction } from './library';
import { statusError } from './status';

/** The library, checked and ready to be called. */
export interface NativeApi {
  readonly koffi: Koffi;
  readonly table: FunctionTable;
  readonly version: string;
  /** Throws the error that a status holds, and frees it; does nothing for 0. */
  check(status: number, doing: string): void;
  /** Calls a function whose last parameter is where it puts one pointer or size. @returns that value */
  read(fn: NativeFunction, doing: string, ...args: (number | string | ArrayBufferView | null)[]): number;
  /** The string at an address. */
  text(address: number): string;
  /** The pointer or size at an address, `index` words on. */
  word(address: number, index: number): number;
}

/** The API version asked for: the oldest one that has every entry we use. */
const apiVersion = 17;

/** The minor version of a release in the first major version, else 0. Those from 1.17 on have this API. */
const minorOf = (version: string): number => Number(/^1\.(\d+)\./.exec(version)?.[1] ?? 0);

/** Functions that were read from bare pointers do not hold their library: once its handle is collected, calling them crashes. */
const keptLibraries: unique symbol = /* @__PURE__ */ Symbol.for('tesserae.onnxruntime.libraries.v1');

/**
 * Loads ONNX Runtime's shared library and reads its function table, after checking that it is what it says: the version,
 * that every entry is code of the library, and that a status and a small tensor come back as they went in.
 *
 * @throws E_RUNTIME_LIBRARY for another library, E_RUNTIME_VERSION for a version that is not known to work
 */
export function openLibrary(koffi: Koffi, location: LibraryLocation): NativeApi {
  const foreign = (what: string, cause?: unknown): Error =>
    runtimeError(
      'E_RUNTIME_LIBRARY',
      `${location.path} is no ONNX Runtime that can be used: ${what}`,
      'use the library of the onnxruntime-node package; remove TESSERAE_ONNXRUNTIME_LIBRARY or libraryPath',
      { cause },
    );
  let getApiBase: () => unknown;
  try {
    const library = koffi.load(location.path);
    const holder = globalThis as { [keptLibraries]?: unknown[] };
    (holder[keptLibraries] ??= []).push(library);
    getApiBase = library.func('OrtGetApiBase', 'uintptr_t', []);
  } catch (cause) {
    throw foreign(reasonOf(cause), cause);
  }
  const space = readAddressSpace(location.path);
  const word = (address: number, index: number): number =>
    Number(koffi.decode(BigInt(address), index * 8, 'uintptr_t'));
  const callable = (address: number, result: string, parameters: string[]): NativeFunction => {
    if (!space.isCode(address)) throw foreign('its base table holds what is no function');
    return koffi.decode(BigInt(address), koffi.proto(result, parameters)) as NativeFunction;
  };

  const base = Number(getApiBase());
  if (!space.isReadable(base) || !space.isReadable(base + 8)) throw foreign('OrtGetApiBase gave no table');
  const versionAddress = callable(word(base, 1), 'uintptr_t', [])();
  if (!space.isReadable(versionAddress)) throw foreign('it gave no version');
  const version = koffi.decode.string(BigInt(versionAddress));
  if (location.version === undefined ? minorOf(version) < apiVersion : version !== location.version) {
    throw runtimeError(
      'E_RUNTIME_VERSION',
      `expected ONNX Runtime ${location.version ?? `1.${apiVersion} or a later 1.x`}, ${location.path} says '${version}'`,
      location.version === undefined ? 'use the library of the onnxruntime-node package' : 'reinstall onnxruntime-node',
      { details: { version } },
    );
  }
  const api = callable(word(base, 0), 'uintptr_t', ['uint32_t'])(apiVersion);
  if (!space.isReadable(api)) throw foreign(`it does not offer version ${apiVersion} of the C API`);
  const table = readFunctionTable(koffi, api, minorOf(version), space.isCode);

  const native = assemble(koffi, table, version, word);
  if (!answersTruly(native)) throw foreign('its functions do not do what their names say');
  return native;
}

function assemble(koffi: Koffi, table: FunctionTable, version: string, word: NativeApi['word']): NativeApi {
  const out = new BigUint64Array(1);
  void out.buffer; // moves the array out of the garbage collector's way
  const check = (status: number, doing: string): void => {
    if (status === 0) return;
    const error = statusError(table.GetErrorCode(status), String(table.GetErrorMessage(status)), doing);
    table.ReleaseStatus(status);
    throw error;
  };
  return {
    koffi,
    table,
    version,
    check,
    read(fn, doing, ...args) {
      out[0] = 0n;
      check(fn(...args, out), doing);
      return Number(out[0]);
    },
    text: (address) => koffi.decode.string(BigInt(address)),
    word,
  };
}

/** Lets a status and a tensor go in and come out again: a table with another layout would not give them back. */
function answersTruly({ table, read, word }: NativeApi): boolean {
  const status = table.CreateStatus(9, 'tesserae');
  if (status === 0 || table.GetErrorCode(status) !== 9 || String(table.GetErrorMessage(status)) !== 'tesserae')
    return false;
  table.ReleaseStatus(status);

  const data = Float32Array.of(1, 2, 3, 4, 5, 6);
  void data.buffer;
  const memory = read(table.CreateCpuMemoryInfo, 'describe memory', 0, 0);
  const value = read(
    table.CreateTensorWithDataAsOrtValue,
    'make a tensor',
    memory,
    data,
    24,
    BigInt64Array.of(2n, 3n),
    2,
    1,
  );
  const shape = read(table.GetTensorTypeAndShape, 'read a tensor', value);
  const sizes = new BigInt64Array(2);
  const type = new Int32Array(1);
  const rank = read(table.GetDimensionsCount, 'read a tensor', shape);
  if (rank === 2 && table.GetDimensions(shape, sizes, 2) === 0 && table.GetTensorElementType(shape, type) === 0) {
    const address = read(table.GetTensorMutableData, 'read a tensor', value);
    const same = word(address, 0) === Number(new BigUint64Array(data.buffer, 0, 1)[0]);
    table.ReleaseTensorTypeAndShapeInfo(shape);
    table.ReleaseValue(value);
    return same && sizes[0] === 2n && sizes[1] === 3n && type[0] === 1;
  }
  return false;
}

import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tesseraeError } from '@tesserae/registry';
import { readError } from './file-errors';
import { isNarrowFloat, narrowFloats } from './narrow-floats';
import type { NarrowFloatDtype } from './narrow-floats';
import { checkHeaderLength, readHeader } from './safetensors-header';
import { elementBytes } from './safetensors-types';
import type { SafetensorsData, SafetensorsDtype, SafetensorsEntry, SafetensorsTensor } from './safetensors-types';

/** An open file: what it holds is known, values are read when asked for. */
export interface SafetensorsFile {
  readonly metadata: Readonly<Record<string, string>>;
  /** By name, in the order of their bytes. */
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  /** Reads one tensor; floats of 16 and 8 bits are widened to float32. */
  read(name: string): Promise<SafetensorsTensor>;
  /** Reads one tensor's bytes as they stand. */
  readRaw(name: string): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Something with positions: fills the target completely or throws. */
interface ByteSource {
  readonly what: string;
  readonly size: number;
  read(target: Uint8Array, position: number): Promise<void>;
  close(): Promise<void>;
}

/** 16-bit tensors are widened through a buffer of this size, so that no second copy of them ever exists. */
const WIDEN_BYTES = 2 ** 20;
/** One read call asks for at most this much (the system's own limit is 2 GiB). */
const READ_BYTES = 2 ** 28;

const truncated = (what: string): never => {
  throw tesseraeError({
    package: 'core',
    code: 'E_SAFETENSORS_TRUNCATED',
    message: `${what} ends before the bytes that its header lists`,
    fix: 'download or copy the file again',
  });
};

function memorySource(bytes: Uint8Array): ByteSource {
  return {
    what: 'the given bytes',
    size: bytes.byteLength,
    async read(target, position) {
      target.set(bytes.subarray(position, position + target.byteLength));
    },
    async close() {},
  };
}

async function fillFrom(handle: FileHandle, target: Uint8Array, position: number, what: string): Promise<void> {
  for (let at = 0; at < target.byteLength;) {
    const wanted = Math.min(READ_BYTES, target.byteLength - at);
    const { bytesRead } = await handle.read(target, at, wanted, position + at);
    if (bytesRead === 0) truncated(what);
    at += bytesRead;
  }
}

async function fileSource(file: string): Promise<ByteSource> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw readError(error, file);
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) {
      throw tesseraeError({
        package: 'core',
        code: 'E_NOT_READABLE',
        message: `${file} is no file`,
        fix: 'give the path of a .safetensors file',
      });
    }
    return {
      what: file,
      size: stats.size,
      read: (target, position) =>
        fillFrom(handle, target, position, file).catch((error: unknown) => {
          throw readError(error, file);
        }),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw readError(error, file);
  }
}

const asBytes = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

const makers: Record<Exclude<SafetensorsDtype, NarrowFloatDtype>, (length: number) => SafetensorsData> = {
  F64: (length) => new Float64Array(length),
  F32: (length) => new Float32Array(length),
  I64: (length) => new BigInt64Array(length),
  U64: (length) => new BigUint64Array(length),
  I32: (length) => new Int32Array(length),
  U32: (length) => new Uint32Array(length),
  I16: (length) => new Int16Array(length),
  U16: (length) => new Uint16Array(length),
  I8: (length) => new Int8Array(length),
  U8: (length) => new Uint8Array(length),
  BOOL: (length) => new Uint8Array(length),
};

/** Allocates what a checked header asks for; the file covers it, this machine's memory may not. */
function allocate<T>(make: () => T, { name, byteLength }: SafetensorsEntry): T {
  try {
    return make();
  } catch (cause) {
    throw tesseraeError({
      package: 'core',
      code: 'E_OUT_OF_MEMORY',
      message: `${JSON.stringify(name)} of ${byteLength} bytes does not fit into memory`,
      fix: 'use a smaller model or a machine with more memory',
      cause,
    });
  }
}

async function readWidened(
  source: ByteSource,
  entry: SafetensorsEntry,
  dtype: NarrowFloatDtype,
): Promise<Float32Array> {
  const { bits: makeBits, widen } = narrowFloats[dtype];
  const bytes = elementBytes[dtype];
  const out = allocate(() => new Float32Array(entry.byteLength / bytes), entry);
  const buffer = makeBits(Math.min(WIDEN_BYTES / bytes, out.length));
  for (let at = 0; at < out.length; at += buffer.length) {
    const bits = buffer.subarray(0, Math.min(buffer.length, out.length - at));
    await source.read(asBytes(bits), entry.byteOffset + bytes * at);
    widen(bits, out.subarray(at, at + bits.length));
  }
  return out;
}

async function readData(source: ByteSource, entry: SafetensorsEntry): Promise<SafetensorsData> {
  const { dtype } = entry;
  if (isNarrowFloat(dtype)) return readWidened(source, entry, dtype);
  const out = allocate(() => makers[dtype](entry.byteLength / elementBytes[dtype]), entry);
  await source.read(asBytes(out), entry.byteOffset);
  return out;
}

async function openSource(source: ByteSource): Promise<SafetensorsFile> {
  if (source.size < 8) truncated(source.what);
  const first8 = new Uint8Array(8);
  await source.read(first8, 0);
  const bytes = new Uint8Array(checkHeaderLength(first8, source.size, source.what));
  await source.read(bytes, 8);
  const header = readHeader(bytes, source.size, source.what);
  const entries = new Map(header.entries.map((entry) => [entry.name, entry]));
  let closed = false;
  const find = (name: string): SafetensorsEntry => {
    if (closed) {
      throw tesseraeError({
        package: 'core',
        code: 'E_CLOSED',
        message: `${source.what} is closed`,
        fix: 'read before you close it, or open it again',
      });
    }
    return entries.get(name) ?? unknownTensor(source.what, name, entries);
  };
  return {
    metadata: header.metadata,
    entries,
    async read(name) {
      const entry = find(name);
      return { name, dtype: entry.dtype, shape: entry.shape, data: await readData(source, entry) };
    },
    async readRaw(name) {
      const entry = find(name);
      const out = allocate(() => new Uint8Array(entry.byteLength), entry);
      await source.read(out, entry.byteOffset);
      return out;
    },
    async close() {
      if (closed) return;
      closed = true;
      await source.close();
    },
  };
}

/** Says which tensor is not there, and some that are. */
export function unknownTensor(what: string, name: string, entries: ReadonlyMap<string, SafetensorsEntry>): never {
  const some = [...entries.keys()].slice(0, 8).join(', ');
  throw tesseraeError({
    package: 'core',
    code: 'E_TENSOR_NOT_FOUND',
    message: `${what} holds no tensor ${JSON.stringify(name)}; it holds ${some}${entries.size > 8 ? ', …' : ''}`,
    fix: 'ask for a name among its entries',
  });
}

/**
 * Opens a safetensors file: reads and checks its header, and leaves the values where they are. Nothing is allocated that
 * the file's own size does not cover.
 *
 * @param source path of a file, or its bytes
 * @returns the open file; close it when done
 * @throws E_NOT_FOUND, E_NOT_READABLE; E_SAFETENSORS_HEADER, E_SAFETENSORS_TRUNCATED, E_SAFETENSORS_DUPLICATE,
 *   E_SAFETENSORS_NAME, E_SAFETENSORS_DTYPE, E_SAFETENSORS_SHAPE, E_SAFETENSORS_OFFSETS for a file that is damaged or hostile
 * @see https://github.com/huggingface/safetensors#format
 * @example
 * ```ts
 * import { openSafetensors, safetensorsBytes } from '@tesserae/core';
 * const bytes = await safetensorsBytes([{ name: 'w', dtype: 'F32', shape: [2], data: new Float32Array([1, 2]) }]);
 * const file = await openSafetensors(bytes);
 * console.log(file.entries.get('w')?.shape, (await file.read('w')).data); // → [ 2 ] Float32Array(2) [ 1, 2 ]
 * await file.close();
 * ```
 */
export async function openSafetensors(source: string | Uint8Array): Promise<SafetensorsFile> {
  const opened = typeof source === 'string' ? await fileSource(source) : memorySource(source);
  try {
    return await openSource(opened);
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/**
 * Reads all tensors of a safetensors file into memory.
 *
 * @param source path of a file, or its bytes
 * @returns the tensors by name (floats of 16 and 8 bits widened to float32) and the file's metadata
 * @throws as {@link openSafetensors}
 * @example
 * ```ts
 * import { readSafetensors, safetensorsBytes } from '@tesserae/core';
 * const bytes = await safetensorsBytes([{ name: 'w', dtype: 'BF16', shape: [2], data: new Float32Array([1, 2]) }]);
 * const { tensors } = await readSafetensors(bytes);
 * console.log(tensors.get('w')?.data); // → Float32Array(2) [ 1, 2 ]
 * ```
 */
export async function readSafetensors(
  source: string | Uint8Array,
): Promise<{ tensors: Map<string, SafetensorsTensor>; metadata: Readonly<Record<string, string>> }> {
  const file = await openSafetensors(source);
  try {
    const tensors = new Map<string, SafetensorsTensor>();
    for (const name of file.entries.keys()) tensors.set(name, await file.read(name));
    return { tensors, metadata: file.metadata };
  } finally {
    await file.close();
  }
}

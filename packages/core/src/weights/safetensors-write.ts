import { tesseraeError } from '@tesserae/registry';
import { atomicWrite } from './atomic-write';
import { isNarrowFloat, narrowFloats } from './narrow-floats';
import { storageOrder, writeHeader } from './safetensors-header';
import { elementBytes, isSafetensorsDtype } from './safetensors-types';
import type { SafetensorsData, SafetensorsDtype } from './safetensors-types';

/** One tensor to write. */
export interface SafetensorsInput {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /**
   * The values, or a function that gives them when their turn comes (so that a model is written tensor by tensor).
   * For F16, BF16 and the two F8: a `Float32Array`, which is rounded, or the bits in a `Uint16Array` or `Uint8Array`. A `Uint8Array` of the tensor's
   * size in bytes is written as it is.
   */
  readonly data: SafetensorsData | (() => SafetensorsData | Promise<SafetensorsData>);
}

/** A tensor whose form was checked. */
export interface Planned extends SafetensorsInput {
  readonly byteLength: number;
}

/** float32 values are rounded to fewer bits in pieces of this many. */
const ROUND_ELEMENTS = 2 ** 19;

const refuse = (code: `E_${string}`, message: string, fix: string): never => {
  throw tesseraeError({ package: 'core', code, message, fix });
};

/** Checks what is to be written, and puts it into the order of the file. */
export function planTensors(tensors: Iterable<SafetensorsInput>): Planned[] {
  const planned: Planned[] = [];
  const names = new Set<string>();
  for (const tensor of tensors) {
    const { name, dtype, shape } = tensor;
    const where = JSON.stringify(name);
    if (names.has(name) || name === '__metadata__') {
      refuse(
        'E_SAFETENSORS_DUPLICATE',
        `the name ${where} is given twice or reserved`,
        'give every tensor its own name',
      );
    }
    names.add(name);
    if (!isSafetensorsDtype(dtype)) {
      const known = Object.keys(elementBytes).join(', ');
      refuse('E_SAFETENSORS_DTYPE', `${where} has dtype ${JSON.stringify(dtype)}`, `use one of ${known}`);
    }
    const elements = shape.reduce((a, b) => a * b, 1);
    if (
      !shape.every((n) => Number.isSafeInteger(n) && n >= 0) ||
      !Number.isSafeInteger(elements * elementBytes[dtype])
    ) {
      refuse('E_SAFETENSORS_SHAPE', `${where} has shape [${shape.join(', ')}]`, 'give whole numbers from 0 up');
    }
    planned.push({ name, dtype, shape, data: tensor.data, byteLength: elements * elementBytes[dtype] });
  }
  return planned.sort(storageOrder);
}

const bytesOf = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

const arrayOf: Record<SafetensorsDtype, string> = {
  F64: 'Float64Array',
  F32: 'Float32Array',
  F16: 'Uint16Array',
  BF16: 'Uint16Array',
  F8_E4M3: 'Uint8Array',
  F8_E5M2: 'Uint8Array',
  I64: 'BigInt64Array',
  U64: 'BigUint64Array',
  I32: 'Int32Array',
  U32: 'Uint32Array',
  I16: 'Int16Array',
  U16: 'Uint16Array',
  I8: 'Int8Array',
  U8: 'Uint8Array',
  BOOL: 'Uint8Array',
};

const kindOf = (data: SafetensorsData): string => Object.prototype.toString.call(data).slice(8, -1);

async function writeTensor(tensor: Planned, write: (bytes: Uint8Array) => Promise<void> | void): Promise<void> {
  const data = typeof tensor.data === 'function' ? await tensor.data() : tensor.data;
  const kind = kindOf(data);
  const rounded = kind === 'Float32Array' && isNarrowFloat(tensor.dtype) ? narrowFloats[tensor.dtype] : undefined;
  const byteLength = rounded ? data.length * elementBytes[tensor.dtype] : data.byteLength;
  if (byteLength !== tensor.byteLength || (!rounded && kind !== arrayOf[tensor.dtype] && kind !== 'Uint8Array')) {
    const wanted = `${tensor.dtype} of shape [${tensor.shape.join(', ')}] (${arrayOf[tensor.dtype]}, ${tensor.byteLength} bytes)`;
    refuse(
      'E_SAFETENSORS_SHAPE',
      `${JSON.stringify(tensor.name)} is ${wanted}, its data is a ${kind} of ${byteLength} bytes`,
      'give data of that kind and size',
    );
  }
  if (!rounded) return write(bytesOf(data));
  for (let at = 0; at < data.length; at += ROUND_ELEMENTS) {
    await write(bytesOf(rounded.round((data as Float32Array).subarray(at, at + ROUND_ELEMENTS))));
  }
}

/** Writes a whole file, tensor by tensor. */
export async function writeTensors(
  tensors: Iterable<SafetensorsInput>,
  metadata: Readonly<Record<string, string>>,
  write: (bytes: Uint8Array) => Promise<void> | void,
): Promise<void> {
  const planned = planTensors(tensors);
  await write(writeHeader(planned, metadata));
  for (const tensor of planned) await writeTensor(tensor, write);
}

/**
 * Writes a safetensors file atomically, tensor by tensor: a reader, a crash or a full disk meets either the file that was
 * there before or the complete new one. The order of the tensors is the reference implementation's, whatever order they
 * are given in, so that the same tensors give the same bytes.
 *
 * @param file path of the file; missing parent folders are made
 * @param tensors what to write
 * @param metadata texts for the header (default `{ format: 'pt' }`, which PyTorch code asks for)
 * @throws E_DISK_FULL, E_NOT_WRITABLE, E_WRITE_FAILED, E_PATH as {@link atomicWrite}; E_SAFETENSORS_DUPLICATE,
 *   E_SAFETENSORS_DTYPE, E_SAFETENSORS_SHAPE, E_SAFETENSORS_NAME for tensors that cannot be written
 * @see https://github.com/huggingface/safetensors#format
 * @example
 * ```ts
 * import { mkdtempSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import path from 'node:path';
 * import { readSafetensors, writeSafetensors } from '@tesserae/core';
 * const file = path.join(mkdtempSync(path.join(tmpdir(), 'example-')), 'model.safetensors');
 * await writeSafetensors(file, [{ name: 'w', dtype: 'F32', shape: [2], data: new Float32Array([1, 2]) }]);
 * console.log((await readSafetensors(file)).metadata); // → { format: 'pt' }
 * ```
 */
export async function writeSafetensors(
  file: string,
  tensors: Iterable<SafetensorsInput>,
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): Promise<void> {
  await atomicWrite(file, (out) => writeTensors(tensors, metadata, (bytes) => out.write(bytes)));
}

/**
 * The bytes of a safetensors file, in memory.
 *
 * @param tensors what to write
 * @param metadata texts for the header (default `{ format: 'pt' }`)
 * @returns the file's bytes
 * @throws E_SAFETENSORS_DUPLICATE, E_SAFETENSORS_DTYPE, E_SAFETENSORS_SHAPE, E_SAFETENSORS_NAME
 * @example
 * ```ts
 * import { safetensorsBytes } from '@tesserae/core';
 * const bytes = await safetensorsBytes([{ name: 'w', dtype: 'I32', shape: [1], data: new Int32Array([7]) }]);
 * console.log(bytes.length % 4); // → 0
 * ```
 */
export async function safetensorsBytes(
  tensors: Iterable<SafetensorsInput>,
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  await writeTensors(tensors, metadata, (bytes) => void parts.push(bytes));
  return Buffer.concat(parts);
}

import { tesseraeError } from '@tesserae/registry';
import { elementBytes, isSafetensorsDtype } from './safetensors-types';
import type { SafetensorsDtype, SafetensorsEntry } from './safetensors-types';
import { tryStrictJson } from './strict-json';

/** The reference implementation's own limit on the header. */
export const MAX_HEADER_BYTES = 100_000_000;
const MAX_NAME_LENGTH = 4096;
/** An object of objects that hold arrays. */
const MAX_DEPTH = 3;
/** Half a million tensors, at seven values each. */
const MAX_VALUES = 2 ** 22;

/** What the header of a file says, checked. */
export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of their bytes. */
  readonly entries: readonly SafetensorsEntry[];
}

const refuse = (code: `E_${string}`, message: string): never => {
  throw tesseraeError({
    package: 'core',
    code,
    message,
    fix: 'check that it is a safetensors file and downloaded completely; do not trust where it came from',
  });
};

/** Checks the length that stands in the first 8 bytes, before anything of that size is allocated. */
export function checkHeaderLength(first8: Uint8Array, fileBytes: number, what: string): number {
  const length = new DataView(first8.buffer, first8.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    refuse('E_SAFETENSORS_HEADER', `${what}: its header claims ${length} bytes, more than ${MAX_HEADER_BYTES} allowed`);
  }
  if (length < 2n) refuse('E_SAFETENSORS_HEADER', `${what}: its header claims ${length} bytes, less than "{}"`);
  if (8 + Number(length) > fileBytes) {
    refuse('E_SAFETENSORS_TRUNCATED', `${what}: its header claims ${length} bytes, the file has ${fileBytes} in all`);
  }
  return Number(length);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function parseHeader(bytes: Uint8Array, what: string): Record<string, unknown> {
  if (bytes[0] !== 0x7b) refuse('E_SAFETENSORS_HEADER', `${what}: its header does not begin with "{"`);
  const result = tryStrictJson(bytes, MAX_DEPTH, MAX_VALUES);
  if ('problem' in result) {
    const code = result.duplicate ? 'E_SAFETENSORS_DUPLICATE' : 'E_SAFETENSORS_HEADER';
    return refuse(code, `${what}: its header ${result.problem}`);
  }
  return isObject(result.value) ? result.value : refuse('E_SAFETENSORS_HEADER', `${what}: its header is no object`);
}

function readMetadata(value: unknown, what: string): Record<string, string> {
  if (value === undefined) return {};
  if (!isObject(value) || Object.values(value).some((text) => typeof text !== 'string')) {
    refuse('E_SAFETENSORS_HEADER', `${what}: its __metadata__ must map names to texts`);
  }
  return Object.fromEntries(Object.entries(value as Record<string, string>));
}

function checkName(name: string, what: string): void {
  if (name.length === 0 || name.length > MAX_NAME_LENGTH || name.includes('\0')) {
    const shown = JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
    refuse('E_SAFETENSORS_NAME', `${what}: ${shown} is no tensor name (empty, longer than 4096, or with a NUL)`);
  }
}

/** shape × element size, refusing what no file can hold. */
function sizeOf(shape: readonly number[], dtype: SafetensorsDtype, where: string): number {
  let bytes = elementBytes[dtype];
  let zero = false;
  for (const dimension of shape) {
    if (dimension === 0) zero = true;
    else if ((bytes *= dimension) > Number.MAX_SAFE_INTEGER) {
      refuse('E_SAFETENSORS_SHAPE', `${where}: shape [${shape.join(', ').slice(0, 200)}] overflows`);
    }
  }
  return zero ? 0 : bytes;
}

interface Span {
  readonly entry: SafetensorsEntry;
  readonly start: number;
  readonly end: number;
}

function readEntry(name: string, value: unknown, base: number, dataBytes: number, what: string): Span {
  const where = `${what}: ${JSON.stringify(name)}`;
  if (!isObject(value)) return refuse('E_SAFETENSORS_HEADER', `${where} is no object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isSafetensorsDtype(dtype)) {
    const known = Object.keys(elementBytes).join(', ');
    return refuse('E_SAFETENSORS_DTYPE', `${where} has dtype ${JSON.stringify(dtype)}; known are ${known}`);
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    return refuse('E_SAFETENSORS_SHAPE', `${where} has no shape of whole numbers from 0 up`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    return refuse('E_SAFETENSORS_OFFSETS', `${where} has no data_offsets of two whole numbers from 0 up`);
  }
  const [start, end] = offsets as [number, number];
  if (start > end) refuse('E_SAFETENSORS_OFFSETS', `${where} ends (${end}) before it starts (${start})`);
  const byteLength = sizeOf(shape, dtype, where);
  if (byteLength !== end - start) {
    const found = `shape [${shape.join(', ').slice(0, 200)}] of ${dtype} takes ${byteLength} bytes`;
    refuse('E_SAFETENSORS_SHAPE', `${where}: ${found}, its data_offsets give ${end - start}`);
  }
  if (end > dataBytes) {
    refuse('E_SAFETENSORS_TRUNCATED', `${where} ends at byte ${end}, the file holds ${dataBytes} bytes of data`);
  }
  return { entry: { name, dtype, shape: [...shape], byteOffset: base + start, byteLength }, start, end };
}

/** Checks that the tensors fill the data exactly: nothing overlaps, nothing is left between or behind. */
function checkCover(spans: readonly Span[], dataBytes: number, what: string): void {
  let at = 0;
  for (const { entry, start, end } of spans) {
    if (start !== at) {
      const how = start < at ? 'overlaps the tensor before it' : `leaves a gap of ${start - at} bytes before it`;
      refuse('E_SAFETENSORS_OFFSETS', `${what}: ${JSON.stringify(entry.name)} ${how}`);
    }
    at = end;
  }
  if (at !== dataBytes) {
    refuse('E_SAFETENSORS_OFFSETS', `${what}: ${dataBytes - at} bytes at the end belong to no tensor`);
  }
}

/** Parses and checks a header; `fileBytes` is the size of the whole file. */
export function readHeader(bytes: Uint8Array, fileBytes: number, what: string): SafetensorsHeader {
  const base = 8 + bytes.byteLength;
  const dataBytes = fileBytes - base;
  const { __metadata__: metadata, ...tensors } = parseHeader(bytes, what);
  const spans: Span[] = [];
  for (const [name, value] of Object.entries(tensors)) {
    checkName(name, what);
    spans.push(readEntry(name, value, base, dataBytes, what));
  }
  spans.sort((a, b) => a.start - b.start || a.end - b.end);
  checkCover(spans, dataBytes, what);
  return { metadata: readMetadata(metadata, what), entries: spans.map((span) => span.entry) };
}

/** Element types as the reference implementation orders them: the widest, stored first, come last. */
const ranks: readonly SafetensorsDtype[] = 'BOOL U8 I8 F8_E5M2 F8_E4M3 I16 U16 F16 BF16 I32 U32 F32 F64 I64 U64'.split(
  ' ',
) as SafetensorsDtype[];

/** The order of tensors in a file: by type, widest first (so that all are aligned), then by name as UTF-8 bytes. */
export function storageOrder(
  a: { readonly name: string; readonly dtype: SafetensorsDtype },
  b: { readonly name: string; readonly dtype: SafetensorsDtype },
): number {
  return ranks.indexOf(b.dtype) - ranks.indexOf(a.dtype) || Buffer.compare(Buffer.from(a.name), Buffer.from(b.name));
}

/** Builds the first bytes of a file: length, header, and spaces so that the data starts at a multiple of 8. */
export function writeHeader(
  tensors: readonly { name: string; dtype: SafetensorsDtype; shape: readonly number[]; byteLength: number }[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const parts: string[] = [];
  if (Object.keys(metadata).length > 0) parts.push(`"__metadata__":${JSON.stringify(metadata)}`);
  let at = 0;
  for (const { name, dtype, shape, byteLength } of tensors) {
    checkName(name, 'the file to write');
    const fields = JSON.stringify({ dtype, shape, data_offsets: [at, at + byteLength] });
    parts.push(`${JSON.stringify(name)}:${fields}`);
    at += byteLength;
  }
  const text = new TextEncoder().encode(`{${parts.join(',')}}`);
  const length = Math.ceil(text.byteLength / 8) * 8;
  if (length > MAX_HEADER_BYTES) {
    refuse('E_SAFETENSORS_HEADER', `the header to write has ${length} bytes, more than ${MAX_HEADER_BYTES} allowed`);
  }
  const out = new Uint8Array(8 + length).fill(0x20);
  new DataView(out.buffer).setBigUint64(0, BigInt(length), true);
  out.set(text, 8);
  return out;
}

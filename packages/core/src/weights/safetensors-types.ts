/** Element types of the format that Tesserae reads and writes. */
export type SafetensorsDtype =
  | 'F64'
  | 'F32'
  | 'F16'
  | 'BF16'
  | 'F8_E4M3'
  | 'F8_E5M2'
  | 'I64'
  | 'I32'
  | 'I16'
  | 'I8'
  | 'U64'
  | 'U32'
  | 'U16'
  | 'U8'
  | 'BOOL';

/** Values as JavaScript holds them; floats of 16 and 8 bits are widened to `Float32Array`, booleans are 0 and 1. */
export type SafetensorsData =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/** Where one tensor stands in a file. */
export interface SafetensorsEntry {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** Position of the first byte, from the start of the file. */
  readonly byteOffset: number;
  readonly byteLength: number;
}

/** One tensor's values. */
export interface SafetensorsTensor {
  readonly name: string;
  /** The type in the file, also where `data` is widened. */
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly data: SafetensorsData;
}

/** Bytes per element. */
export const elementBytes: Readonly<Record<SafetensorsDtype, number>> = {
  F64: 8,
  I64: 8,
  U64: 8,
  F32: 4,
  I32: 4,
  U32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

/** Whether a name from a file is one of the element types. */
export const isSafetensorsDtype = (value: unknown): value is SafetensorsDtype =>
  typeof value === 'string' && Object.hasOwn(elementBytes, value);

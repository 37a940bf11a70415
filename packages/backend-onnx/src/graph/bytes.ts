import { runtimeError } from '../runtime/errors';
import type { ElementType } from '../runtime/types';

/** The little-endian bytes of numbers as a model file holds them. */
export function bytesOf(values: ArrayLike<number>, dtype: ElementType): Uint8Array {
  const array = typedArrayOf(values, dtype);
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function typedArrayOf(values: ArrayLike<number>, dtype: ElementType): ArrayBufferView & { buffer: ArrayBufferLike } {
  switch (dtype) {
    case 'float32':
      return Float32Array.from(values);
    case 'int32':
      return Int32Array.from(values);
    case 'float64':
      return Float64Array.from(values);
    case 'int64':
      return BigInt64Array.from(Array.from(values, (value) => BigInt(value)));
    case 'bool':
      return Uint8Array.from(values, (value) => (value ? 1 : 0));
    case 'uint8':
      return Uint8Array.from(values);
    case 'int8':
      return Int8Array.from(values);
    case 'uint32':
      return Uint32Array.from(values);
    case 'int16':
      return Int16Array.from(values);
    case 'uint16':
      return Uint16Array.from(values);
    default:
      throw runtimeError(
        'E_LOWERING',
        `constants of ${dtype} are not written`,
        'use float32, float64, an integer type or bool, and cast',
      );
  }
}

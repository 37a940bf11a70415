let halfTable: Float32Array | undefined;

function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/**
 * Widens IEEE half-precision numbers (5 exponent bits, 10 fraction bits) to float32, exactly.
 *
 * @param bits the numbers' bits, [n]
 * @param out where to write, [n] (default: a new array)
 * @returns `out`
 * @example
 * ```ts
 * import { float16ToFloat32 } from '@tesserae/core';
 * console.log(float16ToFloat32(new Uint16Array([0x3c00, 0xc000]))); // → Float32Array(2) [ 1, -2 ]
 * ```
 */
export function float16ToFloat32(bits: Uint16Array, out: Float32Array = new Float32Array(bits.length)): Float32Array {
  const table = (halfTable ??= Float32Array.from({ length: 65536 }, (_, i) => halfValue(i)));
  for (let i = 0; i < bits.length; i++) out[i] = table[bits[i]];
  return out;
}

/**
 * Widens bfloat16 numbers (the upper half of a float32) to float32, exactly.
 *
 * @param bits the numbers' bits, [n]
 * @param out where to write, [n] (default: a new array)
 * @returns `out`
 * @example
 * ```ts
 * import { bfloat16ToFloat32 } from '@tesserae/core';
 * console.log(bfloat16ToFloat32(new Uint16Array([0x3f80, 0xc000]))); // → Float32Array(2) [ 1, -2 ]
 * ```
 */
export function bfloat16ToFloat32(bits: Uint16Array, out: Float32Array = new Float32Array(bits.length)): Float32Array {
  const words = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i] << 16;
  return out;
}

const floatBits = (values: Float32Array): Uint32Array =>
  new Uint32Array(values.buffer, values.byteOffset, values.length);

function halfBits(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const exponent = ((word >>> 23) & 0xff) - 112; // rebased from 127 to 15
  const fraction = word & 0x7fffff;
  if (exponent === 143) return sign | 0x7c00 | (fraction === 0 ? 0 : 0x200 | (fraction >>> 13));
  if (exponent >= 31) return sign | 0x7c00;
  if (exponent < -10) return sign; // less than half of the smallest subnormal
  const shift = exponent > 0 ? 13 : 14 - exponent;
  const significand = exponent > 0 ? (exponent << 23) | fraction : fraction | 0x800000;
  const kept = significand >>> shift;
  const rest = significand & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return sign | (kept + (rest > half || (rest === half && (kept & 1) === 1) ? 1 : 0)); // a carry reaches the exponent
}

/**
 * Rounds float32 numbers to half precision (nearest, ties to even; too large becomes infinite).
 *
 * @param values the numbers, [n]
 * @returns their bits, [n]
 * @example
 * ```ts
 * import { float16ToFloat32, float32ToFloat16 } from '@tesserae/core';
 * console.log(float16ToFloat32(float32ToFloat16(new Float32Array([0.5, 65504])))); // → Float32Array(2) [ 0.5, 65504 ]
 * ```
 */
export function float32ToFloat16(values: Float32Array): Uint16Array {
  const words = floatBits(values);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) out[i] = halfBits(words[i]);
  return out;
}

/**
 * Rounds float32 numbers to bfloat16 (nearest, ties to even).
 *
 * @param values the numbers, [n]
 * @returns their bits, [n]
 * @example
 * ```ts
 * import { bfloat16ToFloat32, float32ToBfloat16 } from '@tesserae/core';
 * console.log(bfloat16ToFloat32(float32ToBfloat16(new Float32Array([1.5, -2])))); // → Float32Array(2) [ 1.5, -2 ]
 * ```
 */
export function float32ToBfloat16(values: Float32Array): Uint16Array {
  const words = floatBits(values);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    const isNaNWord = (word & 0x7fffffff) > 0x7f800000;
    out[i] = isNaNWord ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return out;
}

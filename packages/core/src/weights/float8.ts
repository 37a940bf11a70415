/** A form of 8-bit float: sign, exponent, fraction. */
interface Float8Form {
  readonly fractionBits: number;
  readonly bias: number;
  /** Whether the largest exponent stands for infinity and NaN, as IEEE has it; otherwise only all ones is NaN. */
  readonly infinite: boolean;
}

const e4m3: Float8Form = { fractionBits: 3, bias: 7, infinite: false };
const e5m2: Float8Form = { fractionBits: 2, bias: 15, infinite: true };

function valueOf(bits: number, { fractionBits, bias, infinite }: Float8Form): number {
  const sign = bits & 0x80 ? -1 : 1;
  const exponent = (bits & 0x7f) >> fractionBits;
  const fraction = (bits & ((1 << fractionBits) - 1)) / 2 ** fractionBits;
  if (infinite && exponent === 0x7f >> fractionBits) return fraction === 0 ? sign * Infinity : NaN;
  if (!infinite && (bits & 0x7f) === 0x7f) return NaN;
  return sign * (exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias));
}

const tables = /* @__PURE__ */ new Map<Float8Form, Float32Array>();

function widen(bits: Uint8Array, out: Float32Array, form: Float8Form): Float32Array {
  let table = tables.get(form);
  if (!table) tables.set(form, (table = Float32Array.from({ length: 256 }, (_, i) => valueOf(i, form))));
  for (let i = 0; i < bits.length; i++) out[i] = table[bits[i]];
  return out;
}

/** Nearest, ties to even, of the bits of a float32. */
function narrowed(word: number, { fractionBits, bias, infinite }: Float8Form): number {
  const sign = (word >>> 24) & 0x80;
  const magnitude = word & 0x7fffffff;
  const top = infinite ? 0x7f & ~((1 << fractionBits) - 1) : 0x7e; // infinity, or the largest number where there is none
  if (magnitude > 0x7f800000) return sign | 0x7f;
  const exponent = (magnitude >>> 23) - 127 + bias;
  if (exponent < -fractionBits) return sign; // less than half of the smallest subnormal
  const shift = 23 - fractionBits + (exponent > 0 ? 0 : 1 - exponent);
  const significand = exponent > 0 ? exponent * 0x800000 + (magnitude & 0x7fffff) : (magnitude & 0x7fffff) | 0x800000;
  const kept = Math.floor(significand / 2 ** shift);
  const rest = significand - kept * 2 ** shift;
  const half = 2 ** (shift - 1);
  const rounded = kept + (rest > half || (rest === half && (kept & 1) === 1) ? 1 : 0); // a carry reaches the exponent
  return sign | Math.min(rounded, top);
}

function narrow(values: Float32Array, form: Float8Form): Uint8Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint8Array.from(words, (word) => narrowed(word, form));
}

/**
 * Widens 8-bit floats of 4 exponent and 3 fraction bits (`float8_e4m3fn`: up to 448, NaN, no infinity) to float32, exactly.
 *
 * Micikevicius et al.: "FP8 Formats for Deep Learning" (2022), table 1.
 *
 * @param bits the numbers' bits, [n]
 * @param out where to write, [n] (default: a new array)
 * @returns `out`
 * @example
 * ```ts
 * import { float8E4m3ToFloat32 } from '@tesserae/core';
 * console.log(float8E4m3ToFloat32(new Uint8Array([0x38, 0xfe]))); // → Float32Array(2) [ 1, -448 ]
 * ```
 */
export function float8E4m3ToFloat32(bits: Uint8Array, out: Float32Array = new Float32Array(bits.length)): Float32Array {
  return widen(bits, out, e4m3);
}

/**
 * Widens 8-bit floats of 5 exponent and 2 fraction bits (`float8_e5m2`: up to 57,344, infinity, NaN) to float32, exactly.
 *
 * Micikevicius et al.: "FP8 Formats for Deep Learning" (2022), table 1.
 *
 * @param bits the numbers' bits, [n]
 * @param out where to write, [n] (default: a new array)
 * @returns `out`
 * @example
 * ```ts
 * import { float8E5m2ToFloat32 } from '@tesserae/core';
 * console.log(float8E5m2ToFloat32(new Uint8Array([0x3c, 0xfb]))); // → Float32Array(2) [ 1, -57344 ]
 * ```
 */
export function float8E5m2ToFloat32(bits: Uint8Array, out: Float32Array = new Float32Array(bits.length)): Float32Array {
  return widen(bits, out, e5m2);
}

/**
 * Rounds float32 numbers to `float8_e4m3fn` (nearest, ties to even; what is larger becomes 448, as PyTorch has it).
 *
 * @param values the numbers, [n]
 * @returns their bits, [n]
 * @example
 * ```ts
 * import { float32ToFloat8E4m3, float8E4m3ToFloat32 } from '@tesserae/core';
 * console.log(float8E4m3ToFloat32(float32ToFloat8E4m3(new Float32Array([0.3, 448])))); // → Float32Array(2) [ 0.3125, 448 ]
 * ```
 */
export function float32ToFloat8E4m3(values: Float32Array): Uint8Array {
  return narrow(values, e4m3);
}

/**
 * Rounds float32 numbers to `float8_e5m2` (nearest, ties to even; what rounds to more than 57,344 becomes infinite).
 *
 * @param values the numbers, [n]
 * @returns their bits, [n]
 * @example
 * ```ts
 * import { float32ToFloat8E5m2, float8E5m2ToFloat32 } from '@tesserae/core';
 * console.log(float8E5m2ToFloat32(float32ToFloat8E5m2(new Float32Array([0.3, 1e9])))); // → Float32Array(2) [ 0.3125, Infinity ]
 * ```
 */
export function float32ToFloat8E5m2(values: Float32Array): Uint8Array {
  return narrow(values, e5m2);
}

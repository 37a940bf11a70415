import { float32ToFloat8E4m3, float32ToFloat8E5m2, float8E4m3ToFloat32, float8E5m2ToFloat32 } from './float8';
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from './half-precision';
import type { SafetensorsDtype } from './safetensors-types';

/** Floats that JavaScript has no array for: kept as bits in a file, as float32 in memory. */
export type NarrowFloatDtype = 'F16' | 'BF16' | 'F8_E4M3' | 'F8_E5M2';

/** How a narrow float becomes float32, and how float32 is rounded to it. */
interface NarrowFloat<Bits extends Uint16Array | Uint8Array = Uint16Array | Uint8Array> {
  bits(length: number): Bits;
  widen(bits: Bits, out: Float32Array): Float32Array;
  round(values: Float32Array): Bits;
}

const sixteen = (
  widen: NarrowFloat<Uint16Array>['widen'],
  round: NarrowFloat<Uint16Array>['round'],
): NarrowFloat<Uint16Array> => ({ bits: (length) => new Uint16Array(length), widen, round });

const eight = (
  widen: NarrowFloat<Uint8Array>['widen'],
  round: NarrowFloat<Uint8Array>['round'],
): NarrowFloat<Uint8Array> => ({ bits: (length) => new Uint8Array(length), widen, round });

/** Every narrow float by its name in a file. */
export const narrowFloats: Readonly<Record<NarrowFloatDtype, NarrowFloat>> = {
  F16: /* @__PURE__ */ sixteen(float16ToFloat32, float32ToFloat16) as NarrowFloat,
  BF16: /* @__PURE__ */ sixteen(bfloat16ToFloat32, float32ToBfloat16) as NarrowFloat,
  F8_E4M3: /* @__PURE__ */ eight(float8E4m3ToFloat32, float32ToFloat8E4m3) as NarrowFloat,
  F8_E5M2: /* @__PURE__ */ eight(float8E5m2ToFloat32, float32ToFloat8E5m2) as NarrowFloat,
};

/** Whether a type is one of those. */
export const isNarrowFloat = (dtype: SafetensorsDtype): dtype is NarrowFloatDtype => Object.hasOwn(narrowFloats, dtype);

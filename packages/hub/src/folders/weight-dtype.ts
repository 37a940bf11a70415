import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
  float32ToFloat8E4m3,
  float32ToFloat8E5m2,
  float8E4m3ToFloat32,
  float8E5m2ToFloat32,
} from '@tesserae/core';
import type { SafetensorsDtype } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';

/** A type that weights can be taken as, or stored as. */
export type WeightDtype = 'float32' | 'float16' | 'bfloat16';

const stored: Readonly<Record<WeightDtype, SafetensorsDtype>> = { float32: 'F32', float16: 'F16', bfloat16: 'BF16' };

/** The type's name in a safetensors file. */
export const storedDtype = (dtype: WeightDtype | undefined): SafetensorsDtype | undefined => dtype && stored[dtype];

/** Through the bits that a file would hold, and back. */
const rounds: Partial<Record<SafetensorsDtype, (values: Float32Array) => Float32Array>> = {
  F16: (values) => float16ToFloat32(float32ToFloat16(values)),
  BF16: (values) => bfloat16ToFloat32(float32ToBfloat16(values)),
  F8_E4M3: (values) => float8E4m3ToFloat32(float32ToFloat8E4m3(values)),
  F8_E5M2: (values) => float8E5m2ToFloat32(float32ToFloat8E5m2(values)),
};

/** Whether a type in a file holds fewer bits than float32. */
export const isNarrow = (dtype: SafetensorsDtype): boolean => Object.hasOwn(rounds, dtype);

/** Values as a type in a file holds them, in float32. */
export function roundTo(values: Float32Array, dtype: SafetensorsDtype | undefined): Float32Array {
  return (dtype && rounds[dtype]?.(values)) ?? values;
}

/** @throws E_UNKNOWN_OPTION */
export function checkWeightDtype(dtype: unknown): void {
  if (dtype === undefined || Object.hasOwn(stored, String(dtype))) return;
  throw tesseraeError({
    package: 'hub',
    code: 'E_UNKNOWN_OPTION',
    message: `dtype is ${JSON.stringify(dtype) ?? String(dtype)}`,
    fix: `use one of ${Object.keys(stored).join(', ')}`,
  });
}

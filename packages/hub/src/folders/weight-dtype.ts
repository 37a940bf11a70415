import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from '@tesserae/core';
import type { SafetensorsDtype } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';

/** A type that weights can be taken as, or stored as. */
export type WeightDtype = 'float32' | 'float16' | 'bfloat16';

const stored: Readonly<Record<WeightDtype, SafetensorsDtype>> = { float32: 'F32', float16: 'F16', bfloat16: 'BF16' };

/** The type's name in a safetensors file. */
export const storedDtype = (dtype: WeightDtype | undefined): SafetensorsDtype | undefined => dtype && stored[dtype];

/** Values as a type holds them, in float32. */
export function roundTo(values: Float32Array, dtype: WeightDtype | undefined): Float32Array {
  if (dtype === 'float16') return float16ToFloat32(float32ToFloat16(values));
  if (dtype === 'bfloat16') return bfloat16ToFloat32(float32ToBfloat16(values));
  return values;
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

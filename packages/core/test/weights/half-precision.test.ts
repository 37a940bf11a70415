import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from '@tesserae/core';

const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
const isNaNHalf = (bits: number): boolean => (bits & 0x7c00) === 0x7c00 && (bits & 0x3ff) !== 0;
const isNaNBrain = (bits: number): boolean => (bits & 0x7f80) === 0x7f80 && (bits & 0x7f) !== 0;

/** The nearest of all representable values, ties to even bits, found the slow way. */
function nearest(value: number, widen: (bits: Uint16Array) => Float32Array, infinity: number, limit: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  if (Math.abs(value) >= limit) return sign | infinity;
  const positive = widen(all.subarray(0, infinity));
  let low = 0;
  let high = infinity - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (positive[middle] <= Math.abs(value)) low = middle;
    else high = middle - 1;
  }
  const above = low + 1 < infinity ? positive[low + 1] : limit * 2 - positive[low];
  const down = Math.abs(value) - positive[low];
  const up = above - Math.abs(value);
  return sign | (up < down || (up === down && (low & 1) === 1) ? low + 1 : low);
}

describe('float16', () => {
  it('gives every value back', () => {
    const back = float32ToFloat16(float16ToFloat32(all));
    for (let i = 0; i < 65536; i++) {
      if (isNaNHalf(i)) expect(isNaNHalf(back[i])).toBe(true);
      else if (back[i] !== i) expect(back[i]).toBe(i);
    }
  });

  it('knows landmarks of the format', () => {
    const values = float16ToFloat32(new Uint16Array([0x0001, 0x03ff, 0x0400, 0x3555, 0x7bff, 0x7c00, 0xfc00, 0x8000]));
    expect([...values]).toEqual([2 ** -24, 1023 * 2 ** -24, 2 ** -14, 0.333251953125, 65504, Infinity, -Infinity, -0]);
    expect([...float32ToFloat16(new Float32Array([65519.99, 65520, -1e10, 2 ** -25, 2 ** -25 * 1.01]))]).toEqual([
      0x7bff, 0x7c00, 0xfc00, 0, 1,
    ]);
  });

  it('rounds to the nearest, ties to even', () => {
    const anyFloat = fc.oneof(fc.float({ noNaN: true }), fc.float({ min: -70000, max: 70000, noNaN: true }));
    fc.assert(
      fc.property(anyFloat, (value) => {
        expect(float32ToFloat16(new Float32Array([value]))[0]).toBe(nearest(value, float16ToFloat32, 0x7c00, 65520));
      }),
      { numRuns: 500, seed: 1 },
    );
  });
});

describe('bfloat16', () => {
  it('gives every value back', () => {
    const back = float32ToBfloat16(bfloat16ToFloat32(all));
    for (let i = 0; i < 65536; i++) {
      if (isNaNBrain(i)) expect(isNaNBrain(back[i])).toBe(true);
      else if (back[i] !== i) expect(back[i]).toBe(i);
    }
  });

  it('rounds to the nearest, ties to even', () => {
    expect([...float32ToBfloat16(new Float32Array([1 + 2 ** -8, 1 + 3 * 2 ** -8, 3.4e38, NaN]))]).toEqual([
      0x3f80, 0x3f82, 0x7f80, 0x7fc0,
    ]);
    fc.assert(
      fc.property(fc.float({ noNaN: true, min: -(2 ** 100), max: 2 ** 100 }), (value) => {
        expect(float32ToBfloat16(new Float32Array([value]))[0]).toBe(
          nearest(value, bfloat16ToFloat32, 0x7f80, 2 ** 128),
        );
      }),
      { numRuns: 500, seed: 1 },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { float32ToFloat8E4m3, float32ToFloat8E5m2, float8E4m3ToFloat32, float8E5m2ToFloat32 } from '@tesserae/core';

const all = Uint8Array.from({ length: 256 }, (_, i) => i);

describe.each([
  {
    name: 'E4M3',
    widen: float8E4m3ToFloat32,
    narrow: float32ToFloat8E4m3,
    largest: 0x7e,
    isNaN8: (b: number) => (b & 0x7f) === 0x7f,
  },
  {
    name: 'E5M2',
    widen: float8E5m2ToFloat32,
    narrow: float32ToFloat8E5m2,
    largest: 0x7b,
    isNaN8: (b: number) => (b & 0x7f) > 0x7c,
  },
])('$name', ({ name, widen, narrow, largest, isNaN8 }) => {
  it('gives every value back', () => {
    const back = narrow(widen(all));
    for (const bits of all) expect(back[bits]).toBe(isNaN8(bits) ? (bits & 0x80 ? back[bits] : 0x7f) : bits);
    for (const bits of all) expect(Number.isNaN(widen(all)[bits])).toBe(isNaN8(bits));
  });

  it('writes to the array that it is given', () => {
    const out = new Float32Array(2);
    expect(widen(new Uint8Array([0, 1]), out)).toBe(out);
    expect(out[1]).toBeGreaterThan(0);
  });

  it('rounds to the nearest, ties to even', () => {
    const positive = widen(all.subarray(0, largest + 1));
    const top = positive[largest];
    const values = fc.oneof(fc.float({ min: -top, max: top, noNaN: true }), fc.float({ min: -1, max: 1, noNaN: true }));
    fc.assert(
      fc.property(values, (value) => {
        const away = positive.map((one) => Math.abs(Math.abs(value) - one));
        const least = Math.min(...away);
        const nearest = [...away.keys()].filter((i) => away[i] === least);
        const even = nearest.length === 2 ? nearest.filter((i) => i % 2 === 0) : nearest;
        const sign = value < 0 || Object.is(value, -0) ? 0x80 : 0;
        expect(narrow(new Float32Array([value]))[0]).toBe(even[0] | sign);
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  it('gives what PyTorch gives at the edges', () => {
    const edges =
      name === 'E4M3'
        ? [448, 464, 480, 1e9, Infinity, 2 ** -10, 2 ** -10 * 1.0001, 2 ** -9]
        : [57344, 61439, 61440, 1e9, Infinity, 2 ** -17, 2 ** -17 * 1.0001, 2 ** -16];
    const expected =
      name === 'E4M3' ? [0x7e, 0x7e, 0x7e, 0x7e, 0x7e, 0, 1, 1] : [0x7b, 0x7b, 0x7c, 0x7c, 0x7c, 0, 1, 1];
    expect([...narrow(new Float32Array(edges))]).toEqual(expected);
    expect([...narrow(new Float32Array(edges.map((x) => -x)))]).toEqual(expected.map((bits) => bits | 0x80));
    expect(narrow(new Float32Array([NaN]))[0]).toBe(0x7f);
  });
});

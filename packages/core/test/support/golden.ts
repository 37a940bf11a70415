import { readFileSync } from 'node:fs';
import path from 'node:path';
import type * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';

const root = path.join(__dirname, '../../../../test/golden');

/** The JSON of a golden folder. */
export function goldenJson<T>(folder: string, file = 'golden.json'): T {
  return JSON.parse(readFileSync(path.join(root, folder, file), 'utf8')) as T;
}

/** One tensor of a golden file as numbers; integers and bytes become numbers too. */
export interface GoldenArray {
  readonly shape: number[];
  readonly data: Float32Array;
}

/** Reads a safetensors file plainly, apart from the reader under test elsewhere. */
export function goldenArrays(folder: string, file = 'golden.safetensors'): Record<string, GoldenArray> {
  const bytes = readFileSync(path.join(root, folder, file));
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString()) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const arrays: Record<string, GoldenArray> = {};
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const raw = Uint8Array.from(bytes.subarray(8 + length + data_offsets[0], 8 + length + data_offsets[1])).buffer;
    const data =
      dtype === 'F32'
        ? new Float32Array(raw)
        : dtype === 'U8' || dtype === 'BOOL'
          ? Float32Array.from(new Uint8Array(raw))
          : dtype === 'I64'
            ? Float32Array.from(new BigInt64Array(raw), Number)
            : undefined;
    if (!data) throw new Error(`golden dtype ${dtype}`);
    arrays[name] = { shape, data };
  }
  return arrays;
}

/** Holds a tensor to golden numbers, element by element: |difference| ≤ tolerance · max(1, |value|). */
export function expectClose(found: tf.Tensor, wanted: GoldenArray, tolerance: number, what = 'tensor'): void {
  expect(found.shape, what).toEqual(wanted.shape);
  const data = found.dataSync();
  for (let index = 0; index < wanted.data.length; index++) {
    const value = wanted.data[index];
    const difference = Math.abs(data[index] - value);
    if (!(difference <= tolerance * Math.max(1, Math.abs(value)))) {
      expect.fail(`${what}: element ${index} is ${data[index]}, wanted ${value} (difference ${difference})`);
    }
  }
}

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { compile, float16ToFloat32, roundTo } from '@tesserae/core';
import type { RoundedType } from '@tesserae/core';
import { describe, expect, it } from 'vitest';
import { describeOnBackends, use } from '../support/backends';

const types = ['float16', 'bfloat16', 'float8e4m3', 'float8e5m2'] as const;

/** What `x.to(type).float()` of torch 2.13 gives, as bits with one NaN; of long lists the SHA-256 of those bits. */
const torch = JSON.parse(readFileSync(path.join(__dirname, 'torch-casts.json'), 'utf8')) as {
  hashes: Record<'halves' | 'any' | 'near' | 'ties', Record<RoundedType, string>>;
  vectors: Record<RoundedType | 'input', number[]>;
};

const count = 100_000;

/** Marsaglia's xorshift generator of 32 bits, as when the hashes were made. */
function randomBits(): Uint32Array {
  let state = 2463534242;
  return Uint32Array.from({ length: count }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>>= 0);
  });
}

/** Exponents from −28 to 19, where the small types live. */
const nearBits = (kept: number): Uint32Array =>
  randomBits().map((bits) => ((bits & kept) | (((((bits >>> 23) & 0xff) % 48) + 99) << 23)) >>> 0);

const floats = (bits: Uint32Array): Float32Array => new Float32Array(bits.buffer);

const inputs = {
  halves: () => float16ToFloat32(Uint16Array.from({ length: 65536 }, (_, i) => i)),
  any: () => floats(randomBits()),
  near: () => floats(nearBits(0x807fffff)),
  ties: () => floats(nearBits(0x807ff000)),
};

function bitsOf(values: Float32Array): Uint32Array {
  const copy = values.slice();
  const bits = new Uint32Array(copy.buffer);
  return bits.map((word, i) => (Number.isNaN(copy[i]) ? 0x7fc00000 : word));
}

const hash = (bits: Uint32Array): string => createHash('sha256').update(new Uint8Array(bits.buffer)).digest('hex');

/** The values as data: a constant of one program. */
function round(values: Float32Array, type: RoundedType): Uint32Array {
  const x = tf.tensor1d(values);
  const y = roundTo(x, type);
  const bits = bitsOf(y.dataSync() as Float32Array);
  tf.dispose([x, y]);
  return bits;
}

await describeOnBackends('rounding', (backend) => {
  for (const type of types) {
    describe(type, () => {
      it('has the bits of torch', async () => {
        await use(backend);
        const { input, [type]: wanted } = torch.vectors;
        const found = round(floats(Uint32Array.from(input)), type);
        const wrong = input.flatMap((bits, i) => (found[i] === wanted[i] ? [] : [[bits, found[i], wanted[i]]]));
        expect(wrong).toEqual([]);
      });
      it('has the bits of torch for every half and 300,000 other numbers', async () => {
        await use(backend);
        for (const [name, values] of Object.entries(inputs)) {
          const set = name as keyof typeof inputs;
          expect(hash(round(values(), type)), name).toBe(torch.hashes[set][type]);
        }
      });
      it('is the same in a program, which gives a number that was rounded already back as it is', async () => {
        await use(backend);
        const twice = compile((x: tf.Tensor) => roundTo(tf.reshape(roundTo(x, type), [2, -1]), type));
        const values = inputs.near();
        const x = tf.tensor1d(values);
        const y = twice(x);
        expect(hash(bitsOf(y.dataSync() as Float32Array))).toBe(torch.hashes.near[type]);
        tf.dispose([x, y]);
        twice.dispose();
      });
    });
  }

  it('rounds the gradient to the type that is asked for', async () => {
    await use(backend);
    const slope = (backward: RoundedType | 'float32'): number =>
      tf.tidy(
        () =>
          tf
            .grad((x) => tf.mul(roundTo(x, 'float8e4m3', { backward }), 1.2))(tf.scalar(3))
            .dataSync()[0],
      );
    expect(slope('float8e5m2')).toBe(1.25);
    expect(slope('float32')).toBe(Math.fround(1.2));
  });

  it('leaves no tensor behind, and refuses what it cannot round', async () => {
    await use(backend);
    const x = tf.tensor1d([1.001, -3]);
    const before = tf.memory().numTensors;
    tf.dispose([roundTo(x, 'float16'), tf.grad((y) => roundTo(y, 'bfloat16'))(x)]);
    expect(tf.memory().numTensors).toBe(before);
    expect(() => roundTo(x, 'float12' as RoundedType)).toThrow(
      "E_OPTION: roundTo: the type 'float12' is unknown; use one of float16, bfloat16, float8e4m3, float8e5m2",
    );
    expect(() => roundTo(tf.scalar(1, 'int32'), 'float16')).toThrow('E_DTYPE');
    x.dispose();
  });
});

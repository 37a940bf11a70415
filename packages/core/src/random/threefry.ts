/** The constant of Threefish's key schedule, for 32-bit words. */
const PARITY = 0x1bd11bda;

/** Rotation distances of Threefry-2x32, in turn. */
const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;

/**
 * Threefry-2x32 with 20 rounds: a bijection of 64-bit counters chosen by a 64-bit key.
 *
 * Each round is x₀ ← x₀ + x₁, x₁ ← rotl(x₁, r) ⊕ x₀ on 32-bit words; after every fourth round a part of the key is added.
 * Salmon, Moraes, Dror, Shaw: "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011), section 3.3; the values agree with
 * the known-answer tests of the authors' Random123 library.
 *
 * @param key two unsigned 32-bit words
 * @param counter0 first word of the counter
 * @param counter1 second word of the counter
 * @param out where the two output words go
 * @param at index of the first output word in `out`
 * @example
 * ```ts
 * import { threefry2x32 } from '@tesserae/core';
 *
 * const out = new Uint32Array(2);
 * threefry2x32([0, 0], 0, 0, out, 0);
 * console.log(out[0].toString(16), out[1].toString(16)); // → 6b200159 99ba4efe
 * ```
 */
export function threefry2x32(
  key: readonly [number, number],
  counter0: number,
  counter1: number,
  out: Uint32Array,
  at: number,
): void {
  const k0 = key[0] | 0;
  const k1 = key[1] | 0;
  const schedule = [k0, k1, PARITY ^ k0 ^ k1];
  let x0 = (counter0 + k0) | 0;
  let x1 = (counter1 + k1) | 0;
  for (let group = 0; group < 5; group++) {
    const first = (group & 1) * 4;
    for (let round = 0; round < 4; round++) {
      const distance = ROTATIONS[first + round];
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << distance) | (x1 >>> (32 - distance))) ^ x0;
    }
    x0 = (x0 + schedule[(group + 1) % 3]) | 0;
    x1 = (x1 + schedule[(group + 2) % 3] + group + 1) | 0;
  }
  out[at] = x0;
  if (at + 1 < out.length) out[at + 1] = x1;
}

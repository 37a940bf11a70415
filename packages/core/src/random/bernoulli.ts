/**
 * Yes-or-no randomness inside programs, the same on every backend.
 *
 * TensorFlow.js has no shifts and no 32-bit product, so hashing each element by Threefry inside a program would take
 * hundreds of passes over memory. What it has is matrix products, and these are exact for small whole numbers. So the
 * elements are hashed by inner products over the field of p = 509 elements (Carter and Wegman: "Universal Classes of
 * Hash Functions", 1979), a construction in which any two elements are independent and evenly spread over 0 … p − 1:
 *
 *   κ   the key tensor's bytes: four high ones, then four low ones     (the tensor is Threefry of the host key)
 *   κₛ  = (Aₛ κ + tₛ) mod p                                           the site's own key; Aₛ, tₛ public
 *   w   = (M κₛ + m) mod p                                            as many digits as the codes below need; M, m public
 *   aᵢⱼ = (Uᵢ vⱼ) mod p,  bₗₘ = (Yₗ zₘ) mod p                         codes of rows (i, j) and columns (l, m), 3 digits each;
 *                                                                    matrices Uᵢ, Yₗ and vectors vⱼ, zₘ are digits of w
 *   yes where ((aᵢⱼ · bₗₘ) mod p) < round(probability · p)
 *
 * Public numbers are Threefry words under fixed keys, modulo p. All sums stay below 2²⁴, so float32 holds them exactly.
 * The last step works on (a · b + ½) / p, whose fraction is further from every multiple of 1/p than rounding can reach.
 */
import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import type { Key } from '../model/types';
import { randomBits } from './draw';
import { asKeyTensor } from './keyTensor';

const prime = 509;
const keyDigits = 8;
const codeDigits = 3;
/** Rows (and columns) that share one matrix. */
const blockRows = 128;
const blockColumns = 64;
/** Columns are the trailing dimensions up to so many elements. */
const maxColumns = 4096;

const publicKeys = { site: [0x74657373, 0x65726165], digits: [0x64696769, 0x74730000] } as const;

/** Public digits under a fixed key, always the same prefix of the same sequence. */
function publicDigits(key: Key, count: number, skip = 0): Float32Array {
  return Float32Array.from(randomBits(key, skip + count).subarray(skip), (word) => word % prime);
}

let longestTable: Float32Array | undefined;

/** The first digits of the table that M and m are taken from; the longest one asked for is kept. */
function digitTable(count: number): Float32Array {
  if (!longestTable || longestTable.length < count) longestTable = publicDigits(publicKeys.digits, count);
  return longestTable.slice(0, count);
}

/** x mod p for whole numbers 0 ≤ x < 2²²: (x + ½) / p is never within rounding of a whole number. */
function modulo(x: tf.Tensor): tf.Tensor {
  return tf.sub(x, tf.mul(tf.floor(tf.mul(tf.add(x, 0.5), 1 / prime)), prime));
}

/** The 8 bytes of a key tensor, [8, 1]. */
function bytesOf(key: tf.Tensor): tf.Tensor2D {
  const halves = tf.cast(key, 'float32');
  const high = tf.floor(tf.mul(halves, 1 / 256));
  return tf.reshape(tf.concat([high, tf.sub(halves, tf.mul(high, 256))]), [keyDigits, 1]);
}

/** Codes of `count` items in blocks of `block`: (U_i v_j) mod p, [count, 3]; takes its digits from the front of `digits`. */
function codes(digits: tf.Tensor1D, count: number, block: number): tf.Tensor2D {
  const blocks = Math.ceil(count / block);
  const matrices = tf.reshape(tf.slice(digits, [0], [blocks * codeDigits ** 2]), [blocks * codeDigits, codeDigits]);
  const vectors = tf.reshape(tf.slice(digits, [blocks * codeDigits ** 2], [block * codeDigits]), [block, codeDigits]);
  const products = modulo(tf.matMul(matrices, vectors, false, true)); // [blocks · 3, block]
  const items = tf.reshape(tf.transpose(tf.reshape(products, [blocks, codeDigits, block]), [0, 2, 1]), [
    blocks * block,
    codeDigits,
  ]);
  return tf.slice(items as tf.Tensor2D, [0, 0], [count, codeDigits]);
}

function digitsFor(count: number, block: number): number {
  return Math.ceil(count / block) * codeDigits ** 2 + block * codeDigits;
}

/**
 * Draws a yes or no for each element of a shape, inside or outside a program.
 *
 * The bits depend on key, site and shape alone: the same on every backend. The probability is rounded to a multiple of
 * 1/509. The algorithm stands at the head of its source file.
 *
 * @param key a host key, or its tensor form (`keyTensor`) so that a program can be given a new one each call
 * @param shape of the result
 * @param probability of yes, from 0 to 1
 * @param site which of several draws under one key this is: 0, 1, 2 …
 * @returns bool tensor of that shape
 * @throws E_KEY when the key is neither; E_OPTION when the probability or site is out of range
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { bernoulli, createKey } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const share = tf.mean(tf.cast(bernoulli(createKey(1), [100, 100], 0.25), 'float32')).dataSync()[0];
 * console.log(Math.abs(share - 0.25) < 0.02); // → true
 * ```
 */
export function bernoulli(key: Key | tf.Tensor, shape: readonly number[], probability: number, site = 0): tf.Tensor {
  const bound = checkProbability(probability, site);
  return tf.tidy(() => {
    let split = shape.length;
    let columns = 1;
    while (split > 0 && columns * shape[split - 1] <= maxColumns) columns *= shape[--split];
    const rows = shape.slice(0, split).reduce((product, size) => product * size, 1);
    if (rows * columns === 0) return tf.zeros(shape.slice(), 'bool');

    const ownKey = siteKey(key, site); // [8, 1]
    const forRows = digitsFor(rows, blockRows);
    const wanted = forRows + digitsFor(columns, blockColumns);
    const table = digitTable(wanted * (keyDigits + 1));
    const mix = tf.tensor2d(table.subarray(0, wanted * keyDigits), [wanted, keyDigits]);
    const shift = tf.tensor2d(table.subarray(wanted * keyDigits), [wanted, 1]);
    const digits = tf.reshape(modulo(tf.add(tf.matMul(mix, ownKey), shift)), [wanted]) as tf.Tensor1D;

    const rowCodes = tf.concat([codes(digits, rows, blockRows), tf.ones([rows, 1])], 1); // [R, 4]
    const columnCodes = tf.concat(
      [codes(tf.slice(digits, [forRows], [wanted - forRows]), columns, blockColumns), tf.fill([columns, 1], 0.5)],
      1,
    ); // [C, 4]
    const quotients = tf.matMul(rowCodes as tf.Tensor2D, tf.mul(columnCodes, 1 / prime) as tf.Tensor2D, false, true); // [R, C]
    return tf.reshape(tf.less(tf.sub(quotients, tf.floor(quotients)), bound / prime), shape.slice());
  });
}

/**
 * The probability that `bernoulli` really uses: the nearest multiple of 1/509.
 *
 * @param probability from 0 to 1
 * @returns round(probability · 509) / 509
 * @example
 * ```ts
 * import { bernoulliProbability } from '@tesserae/core';
 *
 * console.log(bernoulliProbability(0.1).toFixed(5)); // → 0.10020
 * ```
 */
export function bernoulliProbability(probability: number): number {
  return checkProbability(probability, 0) / prime;
}

/** κₛ = (Aₛ κ + tₛ) mod p. */
function siteKey(key: Key | tf.Tensor, site: number): tf.Tensor2D {
  const tensor = asKeyTensor(key);
  const each = keyDigits * (keyDigits + 1);
  const numbers = publicDigits(publicKeys.site, each, site * each);
  const matrix = tf.tensor2d(numbers.subarray(0, keyDigits ** 2), [keyDigits, keyDigits]);
  const shift = tf.tensor2d(numbers.subarray(keyDigits ** 2), [keyDigits, 1]);
  return modulo(tf.add(tf.matMul(matrix, bytesOf(tensor)), shift)) as tf.Tensor2D;
}

function checkProbability(probability: number, site: number): number {
  if (!(probability >= 0 && probability <= 1)) {
    throw tesseraeError({
      package: 'core',
      code: 'E_OPTION',
      message: `the probability ${probability} is not from 0 to 1`,
      fix: 'use a share such as 0.1',
    });
  }
  if (!Number.isInteger(site) || site < 0) {
    throw tesseraeError({
      package: 'core',
      code: 'E_OPTION',
      message: `the site ${site} is not a whole number from 0 up`,
      fix: 'number the draws 0, 1, 2 …',
    });
  }
  return Math.round(probability * prime);
}

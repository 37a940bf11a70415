import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import type { KeyValueCache } from '../model/types';
import { defineOp } from './defineOp';
import { requireShape, requireTensor, shapeError, sizes } from './shapes';

/** Rows written into slots length … length + T - 1 of a cache. See {@link writeCache}. */
export const writeCacheOp = /* @__PURE__ */ defineOp<
  { cache: tf.Tensor; rows: tf.Tensor; length: tf.Tensor },
  Record<string, never>
>({
  name: 'WriteCache',
  composite({ cache, rows, length }) {
    const [, , capacity] = sizes(cache);
    const time = sizes(rows)[2];
    const row = tf.sub(tf.range(0, capacity, 1, 'int32'), length); // [M]: which row belongs in each slot
    const written = tf.reshape(
      tf.logicalAnd(tf.greaterEqual(row, tf.scalar(0, 'int32')), tf.less(row, tf.scalar(time, 'int32'))),
      [1, 1, capacity, 1],
    );
    // not clipByValue: wasm clips the bits of integers as if they were floats
    const place = tf.maximum(tf.minimum(row, tf.scalar(time - 1, 'int32')), tf.scalar(0, 'int32'));
    const spread = time === 1 ? rows : tf.gather(rows, place as tf.Tensor1D, 2); // [B, K, M, E]
    return tf.where(written, spread, cache);
  },
});

/**
 * Writes the keys or values of new positions into a cache.
 *
 * @param cache [B, K, M, E]
 * @param rows [B, K, T, E], T at most M
 * @param length int32 scalar: the slot of the first row; T more slots must be free, which the caller sees to
 * @returns [B, K, M, E]: the cache with slots length … length + T − 1 replaced
 * @throws E_SHAPE when batch, heads or widths differ or T is over M
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { writeCache } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const cache = writeCache(tf.zeros([1, 1, 3, 1]), tf.ones([1, 1, 1, 1]), tf.scalar(1, 'int32'));
 * console.log(Array.from(cache.dataSync())); // → [ 0, 1, 0 ]
 * ```
 */
export function writeCache(cache: tf.Tensor, rows: tf.Tensor, length: tf.Tensor): tf.Tensor {
  requireTensor('writeCache', 'cache', cache);
  requireTensor('writeCache', 'rows', rows);
  requireTensor('writeCache', 'length', length, ['int32']);
  requireShape('writeCache', 'cache', cache, [null, null, null, null], 'batch, keyValueHeads, capacity, headWidth');
  const [batch, heads, capacity, features] = sizes(cache);
  requireShape('writeCache', 'rows', rows, [batch, heads, null, features], 'batch, keyValueHeads, time, headWidth');
  requireShape('writeCache', 'length', length, [], '');
  if (sizes(rows)[2] > capacity) {
    throw shapeError(
      'writeCache',
      `${sizes(rows)[2]} positions do not fit a cache of ${capacity}`,
      'make a larger cache, or shorten the text',
    );
  }
  return writeCacheOp({ cache, rows, length }, {});
}

/**
 * Makes an empty key-value cache.
 *
 * @param layers number of layers
 * @param shape batch B, key/value heads K, capacity M in positions, head width E
 * @returns zeros of [B, K, M, E] for keys and values of each layer, and length 0
 * @throws E_CACHE when a size is not a whole number from 1 up
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { createKeyValueCache } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const cache = createKeyValueCache(2, { batch: 1, heads: 4, capacity: 16, headDim: 8 });
 * console.log(cache.keys.length, cache.keys[0].shape); // → 2 [ 1, 4, 16, 8 ]
 * ```
 */
export function createKeyValueCache(
  layers: number,
  shape: { batch: number; heads: number; capacity: number; headDim: number },
): KeyValueCache {
  for (const [name, size] of Object.entries({ layers, ...shape })) {
    if (!Number.isInteger(size) || size < 1) {
      throw tesseraeError({
        package: 'core',
        code: 'E_CACHE',
        message: `a key-value cache with ${name} ${size}`,
        fix: `give ${name} as a whole number from 1 up`,
      });
    }
  }
  const full: [number, number, number, number] = [shape.batch, shape.heads, shape.capacity, shape.headDim];
  const make = (): tf.Tensor[] => Array.from({ length: layers }, () => tf.zeros(full));
  return { keys: make(), values: make(), length: tf.scalar(0, 'int32') };
}

/**
 * Disposes the tensors of a key-value cache.
 *
 * @param cache the cache; not to be used afterwards
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { createKeyValueCache, disposeKeyValueCache } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const before = tf.memory().numTensors;
 * disposeKeyValueCache(createKeyValueCache(1, { batch: 1, heads: 1, capacity: 4, headDim: 2 }));
 * console.log(tf.memory().numTensors - before); // → 0
 * ```
 */
export function disposeKeyValueCache(cache: KeyValueCache): void {
  for (const tensor of [...cache.keys, ...cache.values, cache.length]) if (!tensor.isDisposed) tensor.dispose();
}

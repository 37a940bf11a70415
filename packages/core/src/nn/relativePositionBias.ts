import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import type { Weight } from '../model/weight';
import { embed } from './embed';

/** How distances between positions are sorted into buckets. */
export interface RelativePositionOptions {
  /** Rows of the table. */
  readonly buckets: number;
  /** From this distance on all share the last bucket. */
  readonly maxDistance: number;
  /** Whether keys after the query have buckets of their own (an encoder); otherwise they share that of distance 0. */
  readonly bidirectional: boolean;
}

/**
 * The bucket of each distance from 0 to `maxDistance` to keys before the query: one each for small distances, then ever
 * wider ones, on a logarithmic scale. Computed here, in single precision step by step, so that all backends and the
 * reference put a distance on the border into the same one.
 *
 * @param options `buckets`, `maxDistance`, `bidirectional`
 * @returns maxDistance + 1 bucket numbers
 * @throws E_OPTION when there are too few buckets, or the distance lies within those that have one each
 * @example
 * ```ts
 * import { relativePositionBuckets } from '@tesserae/core';
 *
 * console.log(relativePositionBuckets({ buckets: 4, maxDistance: 6, bidirectional: false })); // → Int32Array(7) [ 0, 1, 2, 2, 3, 3, 3 ]
 * ```
 */
export function relativePositionBuckets({ buckets, maxDistance, bidirectional }: RelativePositionOptions): Int32Array {
  const oneWay = bidirectional ? Math.floor(buckets / 2) : buckets;
  const exact = Math.floor(oneWay / 2);
  if (!(exact >= 1 && maxDistance > exact)) {
    throw tesseraeError({
      package: 'core',
      code: 'E_OPTION',
      message: `relativePositionBias: ${buckets} buckets for distances up to ${maxDistance}`,
      fix: `use ${bidirectional ? 4 : 2} buckets or more, and a distance above ${Math.max(1, exact)}`,
    });
  }
  const { fround } = Math;
  const span = fround(Math.log(maxDistance / exact));
  return Int32Array.from({ length: maxDistance + 1 }, (_, distance) => {
    if (distance < exact) return distance;
    const share = fround(fround(Math.log(fround(distance / exact))) / span);
    return Math.min(oneWay - 1, exact + Math.trunc(fround(share * (oneWay - exact))));
  });
}

/**
 * What each head adds to its attention scores for the distance between query and key, from a table of one row a bucket.
 * Raffel et al.: "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer" (2020), section 2.1.
 *
 * @param table [buckets, H]
 * @param queries T
 * @param keys S
 * @param options how distances are sorted, and the position of the first query (an int32 scalar; 0 when absent)
 * @returns [1, H, T, S], for `attention`'s `bias`; the gradient flows to the table
 * @throws E_OPTION as {@link relativePositionBuckets}; E_SHAPE, E_DTYPE on a bad table
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { relativePositionBias } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const table = tf.tensor2d([0, 10, 20, 30], [4, 1]); // one head
 * const bias = relativePositionBias(table, 1, 2, { buckets: 4, maxDistance: 6, bidirectional: true });
 * console.log(Array.from(bias.dataSync())); // → [ 0, 30 ]
 * ```
 */
export function relativePositionBias(
  table: Weight,
  queries: number,
  keys: number,
  options: RelativePositionOptions & { readonly queryOffset?: tf.Tensor | undefined },
): tf.Tensor {
  const { buckets, maxDistance, bidirectional, queryOffset } = options;
  const bucketOf = relativePositionBuckets(options);
  return tf.tidy(() => {
    const zero = tf.scalar(0, 'int32');
    const query = tf.add(tf.range(0, queries, 1, 'int32'), queryOffset ?? zero); // [T]
    const key = tf.reshape(tf.range(0, keys, 1, 'int32'), [1, keys]);
    const behind = tf.sub(tf.reshape(query, [queries, 1]), key); // [T, S]
    const distance = bidirectional ? tf.abs(behind) : tf.maximum(behind, zero);
    const far = tf.minimum(distance, tf.scalar(maxDistance, 'int32'));
    const near = tf.gather(tf.tensor1d(bucketOf, 'int32'), tf.reshape(far, [queries * keys]) as tf.Tensor1D); // [T·S]
    const ahead = tf.mul(
      tf.cast(tf.less(tf.reshape(behind, [queries * keys]), zero), 'int32'),
      tf.scalar(bidirectional ? Math.floor(buckets / 2) : 0, 'int32'),
    );
    const rows = tf.reshape(embed(tf.add(near, ahead), table), [1, queries, keys, -1]); // [1, T, S, H]
    return tf.transpose(rows, [0, 3, 1, 2]); // [1, H, T, S]
  });
}

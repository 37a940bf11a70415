import * as tf from '@tensorflow/tfjs-core';
import { roundOperand } from '../../precision/products';
import { checkAttentionShapes } from '../attention';
import { defineOp } from '../defineOp';
import { requireShape, requireTensor, shapeError, sizes, width } from '../shapes';
import { blockedAttention, blockedGradients, closed } from './blocked';
import { isOpen, layoutFor, wordsPerTile } from './layout';
import type { BlockLayout } from './layout';
import type { AttentionPattern } from './pattern';

/** The tensors of the op. */
export type SparseAttentionInputs = {
  query: tf.Tensor;
  key: tf.Tensor;
  value: tf.Tensor;
  keyBias?: tf.Tensor | undefined;
};
/** The settings of the op: the pattern, worked out for these lengths. */
export type SparseAttentionAttributes = { scale: number } & {
  [K in keyof BlockLayout]: BlockLayout[K];
};

/** Added to the scores of padded keys. */
const never = -1e9;

/** The layout as numbers to add to all scores, [T, S]: 0 where a query sees a key. */
function denseBias({ block, starts, keyBlocks, tiles, bits }: BlockLayout, time: number, keys: number): tf.Tensor {
  const bias = new Float32Array(time * keys).fill(closed);
  for (let row = 0; row < starts.length - 1; row++) {
    for (let pair = starts[row]; pair < starts[row + 1]; pair++) {
      const from = (tiles[pair] - 1) * wordsPerTile(block);
      for (let r = 0; r < block && row * block + r < time; r++) {
        for (let c = 0; c < block && keyBlocks[pair] * block + c < keys; c++) {
          if (tiles[pair] > 0 && !isOpen(bits, from, r * block + c)) continue;
          bias[(row * block + r) * keys + keyBlocks[pair] * block + c] = 0;
        }
      }
    }
  }
  return tf.tensor2d(bias, [time, keys]);
}

/** What the op means: attention over all pairs, with the mask written out. */
function dense(inputs: SparseAttentionInputs, attributes: SparseAttentionAttributes): tf.Tensor {
  const { query, key, value, keyBias } = inputs;
  const [batch, heads, time, features] = sizes(query);
  const [, keyHeads, keys] = sizes(key);
  const rows = tf.reshape(tf.mul(query, attributes.scale), [batch, keyHeads, (heads / keyHeads) * time, features]);
  let scores: tf.Tensor = tf.reshape(tf.matMul(rows, key, false, true), [batch, heads, time, keys]); // [B, H, T, S]
  scores = tf.add(scores, denseBias(attributes, time, keys));
  if (keyBias) scores = tf.add(scores, tf.reshape(keyBias, [batch, 1, 1, keys]));
  const weights = tf.reshape(tf.softmax(scores), [batch, keyHeads, (heads / keyHeads) * time, keys]);
  return tf.reshape(tf.matMul(weights, value), [batch, heads, time, width(value)]); // [B, H, T, Ev]
}

/** Attention over the blocks of a layout. See {@link sparseAttention}. */
export const sparseAttentionOp = /* @__PURE__ */ defineOp<SparseAttentionInputs, SparseAttentionAttributes>({
  name: 'SparseAttention',
  composite: dense,
  gradient: {
    forward: (inputs, attributes) => [blockedAttention(inputs, attributes, attributes.scale)],
    backward: ({ inputs, attributes, value, gradient }) =>
      blockedGradients(inputs, attributes, attributes.scale, value, gradient),
  },
});

/** What `sparseAttention` can be told. */
export interface SparseAttentionOptions {
  /** Which keys a query sees. */
  readonly pattern: AttentionPattern;
  /** bool or int32 [B, S]: true or 1 for keys that are there, 0 for padding. */
  readonly keyMask?: tf.Tensor | undefined;
  /** Scores are multiplied by this; 1/√E when absent. */
  readonly scale?: number | undefined;
  /**
   * Sees the weights of the blocks that are computed together, [B·K, n, G·b, L·b] (n blocks of queries, L blocks of keys
   * each, b tokens a block, G = H/K), and gives those to use: to drop some. Costs the fused path, not the linear growth.
   */
  readonly onWeights?: ((weights: tf.Tensor) => tf.Tensor) | undefined;
}

/**
 * Attention in which a query sees only the keys that a pattern allows, in time and memory that grow with the number of
 * pairs of blocks: for every pattern of this package linearly with the length of the text.
 *
 * softmax(q kᵀ · scale + m) v, with m = 0 where the pattern lets a query see a key, and −∞ elsewhere; what is −∞ is not
 * computed. A query whose keys are all padding looks at them alike. Values and gradients are those of dense attention
 * with the pattern's mask; the gradients make the weights again instead of keeping them.
 * Dao et al.: "FlashAttention" (2022), section 3.3 (block-sparse), appendix B.
 *
 * @param query [B, H, T, E], T at most S: the last query stands at the last key
 * @param key [B, K, S, E], K a divisor of H
 * @param value [B, K, S, Ev]
 * @param options `pattern`, `keyMask`, `scale`, `onWeights`
 * @returns [B, H, T, Ev]
 * @throws E_SHAPE when shapes do not agree or there are more queries than keys; E_PATTERN when a query sees no key;
 *   E_DTYPE, E_TENSOR, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { slidingWindow, sparseAttention } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const value = tf.tensor4d([[[[1], [3], [5]]]]);
 * const zeros = tf.zeros([1, 1, 3, 1]);
 * const y = sparseAttention(zeros, zeros, value, { pattern: slidingWindow({ window: 2 }) });
 * console.log(Array.from(y.dataSync())); // → [ 1, 2, 4 ]
 * ```
 */
export function sparseAttention(
  query: tf.Tensor,
  key: tf.Tensor,
  value: tf.Tensor,
  options: SparseAttentionOptions,
): tf.Tensor {
  checkAttentionShapes('sparseAttention', query, key, value);
  const [batch, , time, features] = sizes(query);
  const keys = sizes(key)[2];
  if (time > keys) {
    throw shapeError('sparseAttention', `${time} queries for ${keys} keys`, 'give at least one key a query');
  }
  const { pattern, keyMask, scale = 1 / Math.sqrt(features), onWeights } = options;
  if (keyMask) {
    requireTensor('sparseAttention', 'keyMask', keyMask, ['bool', 'int32', 'float32']);
    requireShape('sparseAttention', 'keyMask', keyMask, [batch, keys], 'batch, keys');
  }
  const layout = layoutFor(pattern, time, keys);
  const inputs = (): SparseAttentionInputs => ({
    query: roundOperand(query),
    key: roundOperand(key),
    value: roundOperand(value),
    ...(keyMask && { keyBias: tf.mul(tf.sub(1, tf.cast(keyMask, 'float32')), never) }),
  });
  // What onWeights keeps must outlive this function, so that path is not tidied.
  if (onWeights) return roundOperand(blockedAttention(inputs(), layout, scale, onWeights));
  return tf.tidy(() => roundOperand(sparseAttentionOp(inputs(), { scale, ...layout })));
}

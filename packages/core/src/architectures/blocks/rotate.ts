import * as tf from '@tensorflow/tfjs-core';
import { rotaryEmbedding } from '../../nn/rotaryEmbedding';
import type { RotaryTable } from '../../nn/rotaryEmbedding';
import { sizes, width } from '../../nn/shapes';

/** Turns the features that the table is for, the first of each head, and leaves the others: [B, H, T, E] → the same. */
export function rotate(x: tf.Tensor, table: RotaryTable): tf.Tensor {
  const turned = 2 * width(table.cos);
  if (turned === width(x)) return rotaryEmbedding(x, table);
  const [batch, heads, time, features] = sizes(x);
  const first = tf.slice(x, [0, 0, 0, 0], [batch, heads, time, turned]); // [B, H, T, R]
  const rest = tf.slice(x, [0, 0, 0, turned], [batch, heads, time, features - turned]); // [B, H, T, E - R]
  return tf.concat([rotaryEmbedding(first, table), rest], 3);
}

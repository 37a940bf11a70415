/**
 * Attention through a cache that rolls: it keeps the first tokens of a text and the last ones, in constant memory, however
 * long the text. Keys are kept as they were before rotary positions, and are turned at each pass by their place in the
 * cache (Xiao et al.: "Efficient Streaming Language Models with Attention Sinks" (2023), section 3.2).
 *
 * Slot j < sinks holds token j. Behind them stands a ring: token a ≥ sinks is in slot sinks + (a − sinks) mod window.
 */
import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import { attention } from '../nn/attention';
import { sizes } from '../nn/shapes';
import { int } from '../nn/sparse/pattern';
import type { StreamShape } from '../nn/sparse/pattern';
import type { RotaryTable } from '../nn/rotaryEmbedding';
import { rotate } from './blocks/rotate';
import type { PatternCall } from './patternAttention';

/** The cache of one layer: keys not turned, values, and how many tokens the text had before this pass. */
export interface RollingCache {
  readonly keys: tf.Tensor; // [B, K, M, E]
  readonly values: tf.Tensor; // [B, K, M, E]
  readonly length: tf.Tensor; // int32 scalar
}

/** What the pass gives: its output, and the cache with its tokens rolled in. */
export interface RolledAttention {
  readonly output: tf.Tensor; // [B, H, T, E]
  readonly keys: tf.Tensor;
  readonly values: tf.Tensor;
}

/** Checks that a cache has the slots that the stream needs. */
export function checkRolling(name: string, capacity: number, { sinks, window }: StreamShape, padded: boolean): void {
  if (capacity !== sinks + window) {
    throw tesseraeError({
      package: 'core',
      code: 'E_CACHE',
      message: `${name}: a cache of ${capacity} slots for ${sinks} sinks and a window of ${window}`,
      fix: `make it with a capacity of ${sinks + window}: a pattern that streams rolls its cache`,
    });
  }
  if (padded) {
    throw tesseraeError({
      package: 'core',
      code: 'E_CACHE',
      message: `${name}: a stream's cache has no place for padding`,
      fix: 'give texts of one length, or one text at a time, and no attentionMask',
    });
  }
}

/** The number of the token in each slot of a text of `length` tokens, int32 [M]; −1 where there is none. */
function slotTokens(length: tf.Tensor, { sinks, window }: StreamShape): tf.Tensor {
  const slot = tf.range(0, sinks + window, 1, 'int32');
  const last = tf.sub(length, int(1));
  const behind = tf.sub(last, slot); // the token in a slot of the ring is slot + a multiple of the window
  const newest = tf.sub(last, tf.sub(behind, tf.mul(tf.floorDiv(behind, int(window)), int(window))));
  const isSink = tf.less(slot, int(sinks));
  const token = tf.where(isSink, slot, newest);
  const there = tf.logicalAnd(tf.less(token, length), tf.logicalOr(isSink, tf.greaterEqual(token, int(sinks))));
  return tf.where(there, token, int(-1));
}

/** Rolls rows [B, K, T, E] into a cache: each slot takes the newest token that belongs there. */
function roll(cache: tf.Tensor, rows: tf.Tensor, after: tf.Tensor, length: tf.Tensor): tf.Tensor {
  const time = sizes(rows)[2];
  const row = tf.sub(after, length); // [M]: which row belongs in each slot
  const fresh = tf.reshape(tf.greaterEqual(row, int(0)), [1, 1, row.size, 1]);
  const taken = time === 1 ? rows : tf.gather(rows, tf.maximum(row, int(0)) as tf.Tensor1D, 2); // [B, K, M, E]
  return tf.where(fresh, taken, cache);
}

/** Turns queries and keys; the sinks see a query where it stands in the cache. One token alone has one place only. */
function turnInCache(
  { query, rotary }: PatternCall,
  key: tf.Tensor,
  place: { queries: tf.Tensor; keys: tf.Tensor; length: tf.Tensor },
  { sinks, window }: StreamShape,
): { query: tf.Tensor; key: tf.Tensor } {
  if (!rotary) return { query, key };
  const at = requireAt(rotary);
  const capacity = sinks + window;
  // The oldest key that the first query sees gets the first place behind the sinks.
  const base = tf.maximum(tf.sub(place.length, int(capacity - 1)), int(0));
  const isSink = tf.less(place.keys, int(sinks));
  const keyPlace = tf.maximum(tf.where(isSink, place.keys, tf.sub(place.keys, base)), int(0));
  const turnedKey = rotate(key, at(keyPlace));
  const turnedQuery = rotate(query, at(tf.sub(place.queries, base)));
  if (sinks === 0 || place.queries.size === 1) return { query: turnedQuery, key: turnedKey };
  const inCache = rotate(query, at(tf.minimum(place.queries, int(capacity - 1)))); // [B, H, T, E]
  const sink = tf.reshape(tf.cast(isSink, 'float32'), [1, 1, isSink.size, 1]);
  return {
    query: tf.concat([turnedQuery, inCache], 3), // [B, H, T, 2E]
    key: tf.concat([tf.mul(turnedKey, tf.sub(1, sink)), tf.mul(turnedKey, sink)], 3),
  };
}

function requireAt({ at }: RotaryTable): (positions: tf.Tensor) => RotaryTable {
  if (at) return at;
  throw tesseraeError({
    package: 'core',
    code: 'E_CACHE',
    message: 'the rotary table of this architecture cannot be made for other positions',
    fix: 'give it `at`, as rotaryTable and scaledRotaryTable do',
  });
}

/** bool [T, S]: which of these tokens each query sees; −1 is none. */
function visibleTokens(
  queries: tf.Tensor,
  keys: tf.Tensor,
  stream: StreamShape,
  window: number | undefined,
): tf.Tensor {
  const query = tf.reshape(queries, [queries.size, 1]);
  const key = tf.reshape(keys, [1, keys.size]);
  const distance = tf.sub(query, key); // [T, S]
  const there = tf.logicalAnd(tf.greaterEqual(key, int(0)), tf.greaterEqual(distance, int(0)));
  const near = tf.less(distance, int(stream.window));
  const seen = tf.logicalAnd(there, tf.logicalOr(near, tf.less(key, int(stream.sinks))));
  return window === undefined ? seen : tf.logicalAnd(seen, tf.less(distance, int(window)));
}

/** Attention of one layer through a rolling cache, T tokens at a time. */
export function attendStream(stream: StreamShape, cache: RollingCache, call: PatternCall): RolledAttention {
  const { query, key, value, scale, softcap, window, onWeights, drop } = call;
  const { length } = cache;
  const time = sizes(query)[2];
  const end = tf.add(length, int(time));
  const after = slotTokens(end, stream); // [M]
  const keys = roll(cache.keys, key, after, length);
  const values = roll(cache.values, value, after, length);
  const queries = tf.add(length, tf.range(0, time, 1, 'int32')); // [T]
  // One token sees just what the cache holds with it. Several also see what they push out of it.
  const alone = time === 1;
  const tokens = alone ? after : tf.concat([slotTokens(length, stream), queries]); // [M] or [M + T]
  const seenKeys = alone ? keys : tf.concat([cache.keys, key], 2);
  const seenValues = alone ? values : tf.concat([cache.values, value], 2);
  const turned = turnInCache(call, seenKeys, { queries, keys: tokens, length }, stream);
  const mask = visibleTokens(queries, tokens, stream, window);
  const seen = onWeights && ((weights: tf.Tensor) => (drop ? drop(onWeights(weights)) : onWeights(weights)));
  const output = attention(turned.query, turned.key, seenValues, { mask, scale, softcap, onWeights: seen ?? drop });
  return { output, keys, values };
}

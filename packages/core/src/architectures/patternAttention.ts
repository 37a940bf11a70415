import * as tf from '@tensorflow/tfjs-core';
import { attention } from '../nn/attention';
import type { AttentionOptions } from '../nn/attention';
import type { RotaryTable } from '../nn/rotaryEmbedding';
import { sizes } from '../nn/shapes';
import { int } from '../nn/sparse/pattern';
import type { AttentionPattern } from '../nn/sparse/pattern';
import { slidingWindow } from '../nn/sparse/slidingWindow';
import { sparseAttention } from '../nn/sparse/sparseAttention';
import { rotate } from './blocks/rotate';

/** Queries, keys and values of one layer, positions not yet turned in where there is a rotary table. */
export interface PatternCall extends Pick<AttentionOptions, 'causal' | 'window' | 'softcap'> {
  readonly query: tf.Tensor; // [B, H, T, E]
  readonly key: tf.Tensor; // [B, K, T, E]
  readonly value: tf.Tensor; // [B, K, T, E]
  readonly scale: number;
  readonly rotary?: RotaryTable | undefined;
  /** [B, T]: 1 for keys that are there. */
  readonly keyMask?: tf.Tensor | undefined;
  /** Sees all weights, [B, H, T, S]: costs their square. */
  readonly onWeights?: ((weights: tf.Tensor) => tf.Tensor) | undefined;
  /** Drops weights, in whatever shape they come. */
  readonly drop?: ((weights: tf.Tensor) => tf.Tensor) | undefined;
}

const pasts = /* @__PURE__ */ new WeakMap<AttentionPattern, AttentionPattern>();

/** The pattern where no query sees a later key: for layers that are causal. */
export function pastOnly(pattern: AttentionPattern): AttentionPattern {
  if (pattern.causal) return pattern;
  let past = pasts.get(pattern);
  if (!past) {
    past = {
      ...pattern,
      causal: true,
      sees: (query, key, keys) => key <= query && pattern.sees(query, key, keys),
      reach: (first, last, keys) =>
        pattern
          .reach(first, last, keys)
          .filter(([from]) => from <= last)
          .map(([from, to]) => [from, Math.min(to, last + 1)] as const),
      visible(queries, keys) {
        const key = tf.reshape(tf.range(0, keys, 1, 'int32'), [1, keys]);
        const before = tf.lessEqual(key, tf.reshape(queries, [queries.size, 1])); // [T, S]
        return tf.logicalAnd(before, pattern.visible(queries, keys));
      },
    };
    pasts.set(pattern, past);
  }
  return past;
}

const windows = /* @__PURE__ */ new Map<number, AttentionPattern>();

/**
 * The pattern of a layer with a sliding window of its own (Mistral, Gemma), where the text is so long that computing the
 * window alone pays.
 */
export function windowPattern(window: number | undefined, time: number): AttentionPattern | undefined {
  if (!window || time < Math.max(256, 2 * window)) return undefined;
  let pattern = windows.get(window);
  if (!pattern) windows.set(window, (pattern = slidingWindow({ window })));
  return pattern;
}

/**
 * Puts the positions into queries and keys. With sinks, a text longer than the cache needs two positions for a query: its
 * place in the text for the keys near it, and its place in the cache, sinks + window − 1 at most, for the sinks (Xiao et
 * al., "Efficient Streaming Language Models with Attention Sinks", section 3.2). Both stand side by side in twice the
 * features, of which each key fills its own half.
 */
export function turnByPattern(
  { query, key, rotary }: Pick<PatternCall, 'query' | 'key' | 'rotary'>,
  stream: AttentionPattern['stream'],
): { query: tf.Tensor; key: tf.Tensor } {
  if (!rotary) return { query, key };
  const turned = { query: rotate(query, rotary), key: rotate(key, rotary) };
  const time = sizes(query)[2];
  if (!stream || stream.sinks === 0 || time <= stream.sinks + stream.window || !rotary.at) return turned;
  const place = Int32Array.from({ length: time }, (_, at) => Math.min(at, stream.sinks + stream.window - 1));
  const inCache = rotate(query, rotary.at(tf.tensor1d(place, 'int32'))); // [B, H, T, E]
  const sink = tf.cast(tf.less(tf.range(0, time, 1, 'int32'), int(stream.sinks)), 'float32');
  const isSink = tf.reshape(sink, [1, 1, time, 1]);
  return {
    query: tf.concat([turned.query, inCache], 3), // [B, H, T, 2E]
    key: tf.concat([tf.mul(turned.key, tf.sub(1, isSink)), tf.mul(turned.key, isSink)], 3), // [B, K, T, 2E]
  };
}

/** Attention of one layer to the text itself, without a cache, under a pattern: [B, H, T, E]. */
export function attendPattern(pattern: AttentionPattern, call: PatternCall): tf.Tensor {
  const { value, scale, causal = true, window, softcap, keyMask, onWeights, drop } = call;
  const rule = causal ? pastOnly(pattern) : pattern;
  const { query, key } = turnByPattern(call, rule.stream);
  if (onWeights === undefined && window === undefined && softcap === undefined) {
    return sparseAttention(query, key, value, { pattern: rule, scale, keyMask, onWeights: drop });
  }
  // Looked at or bent scores are made in full: exact, but of the square of the length.
  const [batch, , time] = sizes(query);
  const open = rule.visible(tf.range(0, time, 1, 'int32'), time); // [T, T]
  const mask = keyMask
    ? tf.logicalAnd(
        tf.reshape(open, [1, 1, time, time]),
        tf.reshape(tf.greater(tf.cast(keyMask, 'float32'), 0), [batch, 1, 1, time]),
      )
    : open;
  const seen = onWeights && ((weights: tf.Tensor) => (drop ? drop(onWeights(weights)) : onWeights(weights)));
  return attention(query, key, value, { causal, window, softcap, scale, mask, onWeights: seen ?? drop });
}

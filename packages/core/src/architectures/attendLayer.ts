import * as tf from '@tensorflow/tfjs-core';
import type { KeyValueCache } from '../model/types';
import { attention } from '../nn/attention';
import { writeCache } from '../nn/keyValueCache';
import { sizes } from '../nn/shapes';
import type { AttentionPattern } from '../nn/sparse/pattern';
import { rotate } from './blocks/rotate';
import { bothWindows } from './packedSequences';
import { attendPattern, pastOnly, windowPattern } from './patternAttention';
import type { PatternCall } from './patternAttention';
import { attendStream } from './streamingAttention';

/** What one forward pass knows of its attention. */
export interface AttentionPlace {
  /** The pattern of the model's config. */
  readonly pattern: AttentionPattern | undefined;
  readonly cache: KeyValueCache | undefined;
  /** Of padding, [B, 1, 1, S]. */
  readonly bias: tf.Tensor | undefined;
  /** Which keys each query may see at most, where rows hold several sequences: [B, T, 2]. */
  readonly spans: tf.Tensor | undefined;
  /** Where each layer's cache goes. */
  readonly written: { readonly keys: tf.Tensor[]; readonly values: tf.Tensor[] };
}

/**
 * Attention of one layer, in the way that its pass needs: under a pattern without a cache only the blocks it allows, with a
 * pattern that streams through a cache that rolls, otherwise over all keys, those of the cache among them. [B, H, T, E].
 */
export function attendLayer(layer: number, call: PatternCall, place: AttentionPlace): tf.Tensor {
  const { pattern, cache, spans, written } = place;
  if (spans) return attendAll(layer, { ...call, ...bothWindows({ attention: pattern }, call) }, place);
  if (!cache) {
    const { causal = true, window, softcap, onWeights } = call;
    if (pattern) return attendPattern(pattern, call);
    const plain = causal && softcap === undefined && onWeights === undefined;
    const own = plain ? windowPattern(window, sizes(call.query)[2]) : undefined;
    if (own) return attendPattern(own, { ...call, window: undefined });
  }
  if (cache && pattern?.stream) {
    const { length } = cache;
    const { output, keys, values } = attendStream(
      pattern.stream,
      { keys: cache.keys[layer], values: cache.values[layer], length },
      call,
    );
    written.keys.push(keys);
    written.values.push(values);
    return output;
  }
  return attendAll(layer, call, place);
}

/** Attention over all keys, under the pattern's mask where a cache has one. */
function attendAll(
  layer: number,
  call: PatternCall,
  { pattern, cache, bias, spans, written }: AttentionPlace,
): tf.Tensor {
  const { scale, causal = true, window, softcap, rotary, onWeights, drop } = call;
  const query = rotary ? rotate(call.query, rotary) : call.query;
  let key = rotary ? rotate(call.key, rotary) : call.key;
  let { value } = call;
  let mask: tf.Tensor | undefined;
  if (cache) {
    written.keys.push((key = writeCache(cache.keys[layer], key, cache.length)));
    written.values.push((value = writeCache(cache.values[layer], value, cache.length)));
    const queries = tf.add(cache.length, tf.range(0, sizes(query)[2], 1, 'int32')); // [T]
    mask = pattern && (causal ? pastOnly(pattern) : pattern).visible(queries, sizes(key)[2]); // [T, M]
  }
  const seen = onWeights && ((weights: tf.Tensor): tf.Tensor => (drop ? drop(onWeights(weights)) : onWeights(weights)));
  const place = { causal, bias, mask, spans, queryOffset: cache?.length };
  return attention(query, key, value, { ...place, scale, window, softcap, onWeights: seen ?? drop });
}

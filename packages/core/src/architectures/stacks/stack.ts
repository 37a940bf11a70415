import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import { observe } from '../../model/capture';
import type { Capture } from '../../model/capture';
import type { Replay, Replays } from '../../memory/replay';
import type { KeyValueCache } from '../../model/types';
import { attention } from '../../nn/attention';
import { writeCache } from '../../nn/keyValueCache';
import { requireShape, requireTensor, sizes } from '../../nn/shapes';
import type { drops, Heads } from '../forwardContext';
import type { PackedSequences } from '../packedSequences';

/** Low enough that softmax gives a masked key nothing. */
const never = -1e9;

/** What a stack of layers, an encoder or a decoder, is opened with. */
export interface StackInputs {
  /** The architecture, for messages. */
  readonly name: string;
  /** Before each captured name: nothing, `encoder.` or `decoder.`. */
  readonly prefix: string;
  /** int32 [B, T]. */
  readonly ids: tf.Tensor;
  /** What the ids are called, for messages. */
  readonly idsName: string;
  /** 1 for real tokens: [B, T], or [B, M] over a cache's slots. */
  readonly mask?: tf.Tensor | undefined;
  readonly maskName: string;
  /** 1 for real tokens of another text that the stack attends to: [B, S]. */
  readonly otherMask?: tf.Tensor | undefined;
  /** int32 [B, T]. */
  readonly positionIds?: tf.Tensor | undefined;
  /** The sequences in each row, where there are several. */
  readonly packed?: PackedSequences | undefined;
  /** Whether a query sees no later key. */
  readonly causal: boolean;
  readonly cache?: KeyValueCache | undefined;
  /** Layers that its cache must have; 0 where there can be none. */
  readonly cacheLayers: number;
  /** How many positions the stack takes. */
  readonly limit: number;
  readonly capture?: Capture | undefined;
  /** The dropout sites of the whole forward pass, which several stacks share. */
  readonly next: ReturnType<typeof drops>;
  /** What lets layers run again, of the whole pass too. */
  readonly replays: Replays;
}

/** How one attention is done. */
export interface AttendOptions {
  /** Its name in captures, `layers.0.attention`. */
  readonly at: string;
  readonly scale: number;
  readonly dropout: number;
  /** Added to the scores, broadcast to [B, H, T, S]. */
  readonly bias?: tf.Tensor | undefined;
}

/** What the layers of one stack share. */
export interface Stack {
  readonly batch: number;
  readonly time: number;
  /** Keys that self-attention sees: T, or the capacity of the cache. */
  readonly keys: number;
  /** int32 [T] or [B, T]. */
  readonly positions: tf.Tensor;
  /** The sequences in each row, where there are several. */
  readonly packed: PackedSequences | undefined;
  /** The slot of the first query in the cache, an int32 scalar; absent without a cache. */
  readonly queryOffset: tf.Tensor | undefined;
  /** Shows a named value to the capture. */
  observe(name: string, value: tf.Tensor): tf.Tensor;
  /** Runs a part of a layer: once more on the way back, where the options want that. */
  readonly replay: Replay;
  /** Dropout at the next site; the value itself when not training. */
  drop(value: tf.Tensor, rate: number): tf.Tensor;
  /** Self-attention of one layer, through the cache if there is one: heads [B, ·, T, E] → [B, T, H·E]. */
  attend(layer: number, heads: Heads, options: AttendOptions): tf.Tensor;
  /** Attention to keys and values [B, K, S, E] of another text, masked by its mask: query [B, H, T, E] → [B, T, H·E]. */
  attendTo(heads: Heads, options: AttendOptions): tf.Tensor;
  /** The cache with this pass written in; nothing when there was none. */
  written(): KeyValueCache | undefined;
}

/** 0 where the mask is 1, so much below where it is 0 that softmax gives nothing: [B, S] → [B, 1, 1, S]. */
function maskBias(mask: tf.Tensor): tf.Tensor {
  const [batch, keys] = sizes(mask);
  return tf.reshape(tf.mul(tf.sub(1, tf.cast(mask, 'float32')), never), [batch, 1, 1, keys]);
}

const sum = (one: tf.Tensor | undefined, other: tf.Tensor | undefined): tf.Tensor | undefined =>
  one && other ? tf.add(one, other) : (one ?? other);

/** [B, T, n·E] → [B, n, T, E]. */
export function splitHeads(value: tf.Tensor, heads: number): tf.Tensor {
  const [batch, time, features] = sizes(value);
  return tf.transpose(tf.reshape(value, [batch, time, heads, features / heads]), [0, 2, 1, 3]);
}

/** Opens a stack: checks its inputs, numbers its positions, and prepares mask, cache and randomness. */
export function openStack(inputs: StackInputs): Stack {
  checkStack(inputs);
  const { ids, mask, cache, causal, capture, next, packed, prefix, replays, otherMask } = inputs;
  const [batch, time] = sizes(ids);
  const masked = replays.hold(mask && maskBias(mask));
  const own = replays.hold(packed?.spans);
  const others = replays.hold(otherMask && maskBias(otherMask));
  const keys: tf.Tensor[] = [];
  const values: tf.Tensor[] = [];

  const run = (
    heads: Heads,
    causally: boolean,
    bias: tf.Tensor | undefined,
    options: AttendOptions,
    spans?: tf.Tensor,
  ): tf.Tensor => {
    const name = `${prefix}${options.at}.weights`;
    const drop = next(options.dropout);
    const seen = (weights: tf.Tensor): tf.Tensor => observe(capture, name, weights);
    const watched = drop !== undefined || capture?.wants(name) === true;
    const onWeights = watched ? (weights: tf.Tensor) => (drop ? drop(seen(weights)) : seen(weights)) : undefined;
    const queryOffset = causally ? cache?.length : undefined;
    const { query, key, value } = heads;
    const mixed = attention(query, key, value, {
      causal: causally,
      bias: sum(bias, options.bias),
      spans,
      scale: options.scale,
      queryOffset,
      onWeights,
    }); // [B, H, T, E]
    return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch, time, sizes(query)[1] * sizes(value)[3]]);
  };

  return {
    batch,
    time,
    keys: cache ? sizes(cache.keys[0])[2] : time,
    positions: numberPositions(inputs, time),
    packed,
    queryOffset: cache?.length,
    observe: (at, value) => observe(capture, `${prefix}${at}`, value),
    replay: replays.replay,
    drop: (value, rate) => next(rate)?.(value) ?? value,
    attend(layer, heads, options) {
      if (!cache) return run(heads, causal, masked, options, own);
      const key = writeCache(cache.keys[layer], heads.key, cache.length);
      const value = writeCache(cache.values[layer], heads.value, cache.length);
      keys.push(key);
      values.push(value);
      return run({ query: heads.query, key, value }, causal, masked, options);
    },
    attendTo: (heads, options) => run(heads, false, others, options),
    written: () => cache && { keys, values, length: tf.add(cache.length, tf.scalar(time, 'int32')) },
  };
}

function checkStack({ name, ids, idsName, mask, maskName, positionIds, cache, cacheLayers, limit }: StackInputs): void {
  requireTensor(name, idsName, ids, ['int32']);
  requireShape(name, idsName, ids, [null, null], 'batch, time');
  const [batch, time] = sizes(ids);
  if (time > limit) {
    throw tesseraeError({
      package: 'core',
      code: 'E_CONTEXT_LENGTH',
      message: `${name}: ${time} positions are more than the ${limit} of the model`,
      fix: 'shorten the text, or use a model with a longer context',
    });
  }
  if (cache && cache.keys.length !== cacheLayers) {
    throw tesseraeError({
      package: 'core',
      code: 'E_CACHE',
      message: `${name}: a cache of ${cache.keys.length} layers for ${cacheLayers}`,
      fix: 'make the cache with createKeyValueCache and the sizes of cacheShapeOf(model)',
    });
  }
  if (mask) {
    const keys = cache ? sizes(cache.keys[0])[2] : time;
    requireTensor(name, maskName, mask, ['int32', 'bool', 'float32']);
    requireShape(name, maskName, mask, [batch, keys], cache ? 'batch, cache capacity' : 'batch, time');
  }
  if (positionIds) {
    requireTensor(name, 'positionIds', positionIds, ['int32']);
    requireShape(name, 'positionIds', positionIds, [batch, time], 'batch, time');
  }
}

function numberPositions({ positionIds, packed, cache }: StackInputs, time: number): tf.Tensor {
  const given = positionIds ?? packed?.positions; // [B, T]
  if (given) return given;
  const positions = tf.range(0, time, 1, 'int32'); // [T]
  return cache ? tf.add(positions, cache.length) : positions;
}

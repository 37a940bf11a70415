import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import { openReplays } from '../memory/replay';
import type { Recompute, Replay } from '../memory/replay';
import { observe } from '../model/capture';
import type { Capture } from '../model/capture';
import type {
  ArchitectureConfig,
  ForwardInputs,
  ForwardOptions,
  ForwardOutput,
  ParameterSpec,
  Params,
} from '../model/types';
import type { AttentionOptions } from '../nn/attention';
import { dropout } from '../nn/dropout';
import type { RotaryTable } from '../nn/rotaryEmbedding';
import { requireShape, requireTensor, sizes } from '../nn/shapes';
import { bernoulli } from '../random/bernoulli';
import { attendLayer } from './attendLayer';
import { packedSequences } from './packedSequences';
import { checkRolling } from './streamingAttention';

/** What the layers of one forward pass share. */
export interface ForwardContext {
  readonly batch: number;
  readonly time: number;
  /** int32 [T] or [B, T]. */
  readonly positions: tf.Tensor;
  /** Shows a named value to the capture. */
  observe(name: string, value: tf.Tensor): tf.Tensor;
  /** Dropout at the next site; the value itself when not training. */
  drop(value: tf.Tensor, rate: number): tf.Tensor;
  /** Each element times a number evenly drawn from 1 - spread … 1 + spread; the value itself when not training. */
  jitter(value: tf.Tensor, spread: number): tf.Tensor;
  /** Runs a part of a layer: once more on the way back, where the options want that. */
  readonly replay: Replay;
  /** Says that the tensors in this tree were made for this pass, and are used by parts that may run again. */
  own(tree: unknown): void;
  /** [B, T, n·E] → [B, n, T, E]. */
  splitHeads(value: tf.Tensor, heads: number): tf.Tensor;
  /** Attention of one layer, causal unless told otherwise, through the cache if there is one: [B, H, T, E], [B, K, T, E] twice → [B, T, H·E]. */
  attend(name: string, layer: number, heads: Heads, options: AttendOptions): tf.Tensor;
  /** The final hidden states that get logits: all, or the last position's; [B, T or 1, D]. */
  positionsForLogits(hidden: tf.Tensor): tf.Tensor;
  finish(logits: tf.Tensor): ForwardOutput;
}

/** Queries, keys and values of one layer. */
export interface Heads {
  readonly query: tf.Tensor;
  readonly key: tf.Tensor;
  readonly value: tf.Tensor;
}

/** How one layer attends. */
export interface AttendOptions extends Pick<AttentionOptions, 'causal' | 'window' | 'softcap'> {
  readonly scale: number;
  readonly dropout: number;
  /** Turns queries and keys by their positions; absent where positions are not rotary. */
  readonly rotary?: RotaryTable | undefined;
}

/** Random bits of a number that `jitter` draws. */
const JITTER_BITS = 8;

/** Low enough that softmax gives a masked key nothing. */
const never = -1e9;

/**
 * Opens a forward pass: checks the inputs, numbers the positions, and prepares mask, cache and randomness.
 *
 * @param name the architecture, for messages
 * @param inputs what `forward` was given
 * @param options what `forward` was given
 * @param limit how many positions the model takes
 */
export function openForward<C extends ArchitectureConfig>(
  name: string,
  inputs: ForwardInputs,
  options: ForwardOptions<C>,
  limit: number,
): ForwardContext {
  const { capture } = options;
  checkInputs(name, inputs, options.config, limit);
  const { sites, hold, own, replay } = openReplays(recomputed(options));
  const { inputIds, cache } = inputs;
  const attentionMask = hold(inputs.attentionMask);
  const [batch, time] = sizes(inputIds);
  const keys = cache ? sizes(cache.keys[0])[2] : time;
  const bias = hold(
    attentionMask && tf.reshape(tf.mul(tf.sub(1, tf.cast(attentionMask, 'float32')), never), [batch, 1, 1, keys]),
  );
  const key = hold(options.key);
  const next = drops({ ...options, key }, sites);
  const written = { keys: [] as tf.Tensor[], values: [] as tf.Tensor[] };
  const packed = packedSequences(name, inputs, options.config);
  const place = { pattern: options.config.attention, cache, bias, spans: hold(packed?.spans), written };
  if (cache && place.pattern?.stream) checkRolling(name, keys, place.pattern.stream, attentionMask !== undefined);

  return {
    batch,
    time,
    positions: hold(numberPositions(name, inputs, batch, time, packed?.positions)),
    observe: (at, value) => observe(capture, at, value),
    drop: (value, rate) => next(rate)?.(value) ?? value,
    replay,
    own,
    jitter(value, spread) {
      const site = sites.next;
      sites.next += JITTER_BITS;
      const { training } = options;
      if (!training || key === undefined || spread === 0) return value;
      return tf.mul(value, tf.add(1 - spread, tf.mul(fraction(key, sizes(value), site), 2 * spread)));
    },
    splitHeads(value, heads) {
      return tf.transpose(tf.reshape(value, [batch, time, heads, sizes(value)[2] / heads]), [0, 2, 1, 3]);
    },
    attend(at, layer, heads, { dropout: rate, ...how }) {
      const watched = capture?.wants(`${at}.weights`) === true;
      const onWeights = watched ? (w: tf.Tensor): tf.Tensor => observe(capture, `${at}.weights`, w) : undefined;
      const output = attendLayer(
        layer,
        { ...heads, ...how, keyMask: attentionMask, onWeights, drop: next(rate) },
        place,
      ); // [B, H, T, E]
      return tf.reshape(tf.transpose(output, [0, 2, 1, 3]), [batch, time, sizes(output)[1] * sizes(output)[3]]);
    },
    positionsForLogits(hidden) {
      return options.logits === 'last' ? tf.slice(hidden, [0, time - 1, 0], [batch, 1, sizes(hidden)[2]]) : hidden;
    },
    finish: (logits) =>
      cache ? { logits, cache: { ...written, length: tf.add(cache.length, tf.scalar(time, 'int32')) } } : { logits },
  };
}

function checkInputs(
  name: string,
  { inputIds, attentionMask, cache }: ForwardInputs,
  { numHiddenLayers }: ArchitectureConfig,
  limit: number,
): void {
  requireTensor(name, 'inputIds', inputIds, ['int32']);
  requireShape(name, 'inputIds', inputIds, [null, null], 'batch, time');
  const [batch, time] = sizes(inputIds);
  if (time > limit) {
    throw tesseraeError({
      package: 'core',
      code: 'E_CONTEXT_LENGTH',
      message: `${name}: ${time} positions are more than the ${limit} of the model`,
      fix: 'shorten the text, or use a model with a longer context',
    });
  }
  if (cache && (cache.keys.length !== numHiddenLayers || cache.values.length !== numHiddenLayers)) {
    throw tesseraeError({
      package: 'core',
      code: 'E_CACHE',
      message: `${name}: a cache of ${cache.keys.length} layers for ${numHiddenLayers}`,
      fix: 'make the cache with createKeyValueCache(config.numHiddenLayers, …)',
    });
  }
  if (attentionMask) {
    const keys = cache ? sizes(cache.keys[0])[2] : time;
    requireTensor(name, 'attentionMask', attentionMask, ['int32', 'bool', 'float32']);
    requireShape(name, 'attentionMask', attentionMask, [batch, keys], cache ? 'batch, cache capacity' : 'batch, time');
  }
}

/** Checks that a tree has every weight that the architecture will reach for; shapes are checked where they are used. */
export function requireParams(name: string, params: Params, specs: readonly ParameterSpec[]): void {
  for (const { path } of specs) {
    let node: unknown = params;
    for (const segment of path.split('.')) node = (node as Record<string, unknown> | undefined)?.[segment];
    if (node === undefined || node === null) {
      throw tesseraeError({
        package: 'core',
        code: 'E_PARAMS',
        message: `${name}: the parameter '${path}' is missing`,
        fix: 'pass the params of a model of this architecture and config',
      });
    }
  }
}

/** Disposes what a forward pass made on the way, but not its output nor what was captured. */
export function tidyForward<O = ForwardOutput>(capture: Capture | undefined, run: () => O): O {
  const kept = tf.tidy(
    () => ({ output: run(), captured: { ...capture?.values } }) as unknown as tf.TensorContainerObject,
  );
  return kept.output as unknown as O;
}

function numberPositions(
  name: string,
  { positionIds, cache }: ForwardInputs,
  batch: number,
  time: number,
  packed: tf.Tensor | undefined,
): tf.Tensor {
  if (positionIds) {
    requireTensor(name, 'positionIds', positionIds, ['int32']);
    requireShape(name, 'positionIds', positionIds, [batch, time], 'batch, time');
    return positionIds;
  }
  if (packed) return packed; // [B, T]
  const positions = tf.range(0, time, 1, 'int32'); // [T]
  return cache ? tf.add(positions, cache.length) : positions;
}

/** The parts of a pass that are to run again on the way back: none where nothing learns, or where values are captured. */
export const recomputed = <C>({ training, capture, recompute }: ForwardOptions<C>): Recompute | undefined =>
  training === true && capture === undefined ? recompute : undefined;

/** Gives each dropout site in turn a function of its own, or nothing where nothing is dropped. */
export function drops<C>(
  { training, key }: ForwardOptions<C>,
  sites: { next: number } = { next: 0 },
): (rate: number) => ((value: tf.Tensor) => tf.Tensor) | undefined {
  return (rate) => {
    const site = sites.next++; // counted even where the rate is 0, so that one rate does not change the others' bits
    if (!training || key === undefined || rate === 0) return undefined;
    return (value) => dropout(value, { rate, key, site });
  };
}

/** Numbers evenly drawn from 0 to 1 in steps of 1/255, made of the bits of as many sites. */
function fraction(key: NonNullable<ForwardOptions['key']>, shape: readonly number[], site: number): tf.Tensor {
  const bits = Array.from({ length: JITTER_BITS }, (_, bit) =>
    tf.mul(tf.cast(bernoulli(key, shape, 0.5, site + bit), 'float32'), 2 ** bit / (2 ** JITTER_BITS - 1)),
  );
  return bits.reduce((one, other) => tf.add(one, other));
}

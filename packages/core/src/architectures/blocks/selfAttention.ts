import type * as tf from '@tensorflow/tfjs-core';
import type { RotaryTable } from '../../nn/rotaryEmbedding';
import type { DecoderLayer } from '../decoder';
import type { RotaryDecoderConfig } from '../rotaryDecoderConfig';
import { project } from './projection';
import type { Projection } from './projection';

/** The weights of one layer's attention: H query heads, K key/value heads, E features each. */
export interface AttentionWeights {
  /** [H·E, D]. */
  readonly query: Projection;
  /** [K·E, D]. */
  readonly key: Projection;
  /** [K·E, D]. */
  readonly value: Projection;
  /** [D, H·E]. */
  readonly output: Projection;
  /** A norm of each query head before it is turned, [E]. */
  readonly queryNorm?: { readonly weight: tf.Tensor } | undefined;
  /** The same for keys, [E]. */
  readonly keyNorm?: { readonly weight: tf.Tensor } | undefined;
}

/** What an attention layer can be told. */
export interface SelfAttentionOptions {
  readonly rotary: RotaryTable;
  /** Scores are multiplied by this; 1/√E when absent. */
  readonly scale?: number | undefined;
  /** Whether a query sees no later key; true when absent. */
  readonly causal?: boolean | undefined;
  /** A query sees only so many keys, its own among them. */
  readonly window?: number | null | undefined;
  /** Scores s become cap · tanh(s / cap). */
  readonly softcap?: number | null | undefined;
  /** The norm of query and key heads, where the weights have them. */
  readonly norm?: ((x: tf.Tensor, weight: tf.Tensor) => tf.Tensor) | undefined;
}

/**
 * Attention of a layer to the text before it, with rotary positions and grouped key/value heads, through the cache where
 * there is one. Captured are `attention.weights` and `attention.output` of the layer.
 *
 * @param x [B, T, D], normed
 * @param weights projections with or without biases; norms of queries and keys where a model has them
 * @param layer the layer: its config gives heads, head width and dropout
 * @param options the rotary table; scale, window, soft cap, norm
 * @returns [B, T, D]
 * @throws E_SHAPE when the weights do not fit the config
 * @example
 * ```ts
 * import { defineDecoder, rmsNorm, scaledRotaryTable, selfAttention } from '@tesserae/core';
 * import { configureRotaryDecoder, embedTokens, llamaDefaults, rotaryDecoderParameters } from '@tesserae/core';
 * import type { AttentionWeights, RotaryDecoderConfig, RotaryTable } from '@tesserae/core';
 *
 * // attention alone, each token seeing four
 * const narrow = defineDecoder<RotaryDecoderConfig, { attention: AttentionWeights }, RotaryTable>({
 *   name: 'narrow',
 *   configure: (given) => configureRotaryDecoder('narrow', llamaDefaults, given),
 *   parameters: (config) => rotaryDecoderParameters(config),
 *   prepare: ({ context, config }) => scaledRotaryTable(context.positions, config),
 *   embed: embedTokens,
 *   block: (x, { attention }, layer) => selfAttention(x, attention, layer, { rotary: layer.shared, window: 4 }),
 *   normalize: (x, { weight }) => rmsNorm(x, weight),
 * });
 * console.log(narrow.configure({ hiddenSize: 8, numAttentionHeads: 2 }).headDim); // → 4
 * ```
 */
export function selfAttention(
  x: tf.Tensor,
  weights: AttentionWeights,
  layer: DecoderLayer<RotaryDecoderConfig>,
  options: SelfAttentionOptions,
): tf.Tensor {
  const output = layer.context.replay('attention', x, weights, (value, tree) => attend(value, tree, layer, options));
  return layer.context.observe(`${layer.at}.attention.output`, output); // [B, T, D]
}

function attend(
  x: tf.Tensor,
  weights: AttentionWeights,
  { config, context, at, index }: DecoderLayer<RotaryDecoderConfig>,
  options: SelfAttentionOptions,
): tf.Tensor {
  const { numAttentionHeads: heads, numKeyValueHeads, headDim, attentionDropout } = config;
  const { rotary, norm, scale = 1 / Math.sqrt(headDim), causal, window, softcap } = options;
  const normed = (value: tf.Tensor, by: AttentionWeights['queryNorm']): tf.Tensor =>
    by && norm ? norm(value, by.weight) : value;

  const queries = context.splitHeads(project(x, weights.query), heads); // [B, H, T, E]
  const keys = context.splitHeads(project(x, weights.key), numKeyValueHeads); // [B, K, T, E]
  const value = context.splitHeads(project(x, weights.value), numKeyValueHeads); // [B, K, T, E]
  const query = normed(queries, weights.queryNorm); // [B, H, T, E]
  const key = normed(keys, weights.keyNorm); // [B, K, T, E]
  const limits = { causal, window: window ?? undefined, softcap: softcap ?? undefined };
  const mixed = context.attend(
    `${at}.attention`,
    index,
    { query, key, value },
    { scale, dropout: attentionDropout, rotary, ...limits },
  ); // [B, T, H·E]
  return project(mixed, weights.output); // [B, T, D]
}

import type * as tf from '@tensorflow/tfjs-core';
import type { EncoderOutput } from '../../model/types';
import type { Weight } from '../../model/weight';
import { layerNorm } from '../../nn/layerNorm';
import { project } from '../blocks/projection';
import type { Projection } from '../blocks/projection';
import { splitHeads } from './stack';
import type { Stack } from './stack';

/** A layer norm's weights, [D] each. */
export interface NormParams {
  readonly weight: tf.Tensor;
  readonly bias: tf.Tensor;
}

/** The four matrices of multi-head attention. */
export interface AttentionParams {
  readonly query: Projection;
  readonly key: Projection;
  readonly value: Projection;
  readonly output: Projection;
}

/** A table of rows, [rows, D]. */
export interface TableParams {
  readonly weight: Weight;
}

/** Layer norm over the width. */
export function normalize(x: tf.Tensor, { weight, bias }: NormParams, epsilon: number): tf.Tensor {
  return layerNorm(x, { weight, bias, epsilon });
}

/** How one layer attends. */
export interface LayerAttention {
  readonly layer: number;
  readonly heads: number;
  readonly scale: number;
  readonly dropout: number;
  /** Added to the scores, broadcast to [B, H, T, S]. */
  readonly bias?: tf.Tensor | undefined;
}

/** Multi-head self-attention with its output matrix: [B, T, D] → [B, T, D]. */
export function selfAttention(x: tf.Tensor, params: AttentionParams, stack: Stack, how: LayerAttention): tf.Tensor {
  const at = `layers.${how.layer}.attention`;
  const output = stack.replay('attention', x, { params, bias: how.bias }, (input, { params: weights, bias }) => {
    const heads = (one: Projection): tf.Tensor => splitHeads(project(input, one), how.heads); // [B, H, T, E]
    const split = { query: heads(weights.query), key: heads(weights.key), value: heads(weights.value) };
    return project(stack.attend(how.layer, split, { at, ...how, bias }), weights.output);
  });
  return stack.observe(`${at}.output`, output);
}

/** What a decoder sees of its encoder. */
export type Encoded = EncoderOutput;

/** What one layer of a decoder sees of its encoder. */
export interface EncodedLayer {
  readonly key: tf.Tensor; // [B, H, S, E]
  readonly value: tf.Tensor; // [B, H, S, E]
}

/** The encoder as one layer sees it; nothing where there is none. */
export const encodedFor = (layer: number, encoded: Encoded | undefined): EncodedLayer | undefined =>
  encoded && { key: encoded.keys[layer], value: encoded.values[layer] };

/** Attention of a decoder to the keys and values of its encoder, whose mask its stack knows: [B, T, D] → [B, T, D]. */
export function crossAttention(
  x: tf.Tensor,
  params: AttentionParams,
  stack: Stack,
  seen: EncodedLayer,
  how: LayerAttention,
): tf.Tensor {
  const at = `layers.${how.layer}.crossAttention`;
  const output = stack.replay('attention', x, { params, seen }, (input, { params: weights, seen: heads }) => {
    const query = splitHeads(project(input, weights.query), how.heads); // [B, H, T, E]
    return project(stack.attendTo({ query, ...heads }, { at, ...how }), weights.output);
  });
  return stack.observe(`${at}.output`, output);
}

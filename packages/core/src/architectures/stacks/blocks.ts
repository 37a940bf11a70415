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
  const heads = (one: Projection): tf.Tensor => splitHeads(project(x, one), how.heads); // [B, H, T, E]
  const split = { query: heads(params.query), key: heads(params.key), value: heads(params.value) };
  const mixed = stack.attend(how.layer, split, { at, ...how }); // [B, T, H·E]
  return stack.observe(`${at}.output`, project(mixed, params.output));
}

/** What a decoder sees of its encoder. */
export interface Encoded extends EncoderOutput {
  /** 1 for real tokens of the encoder's text, [B, S]. */
  readonly mask?: tf.Tensor | undefined;
}

/** Attention of a decoder to the keys and values of its encoder: [B, T, D] → [B, T, D]. */
export function crossAttention(
  x: tf.Tensor,
  params: AttentionParams,
  stack: Stack,
  { keys, values, mask }: Encoded,
  how: LayerAttention,
): tf.Tensor {
  const at = `layers.${how.layer}.crossAttention`;
  const query = splitHeads(project(x, params.query), how.heads); // [B, H, T, E]
  const heads = { query, key: keys[how.layer], value: values[how.layer] };
  const mixed = stack.attendTo(heads, mask, { at, ...how }); // [B, T, H·E]
  return stack.observe(`${at}.output`, project(mixed, params.output));
}

import * as tf from '@tensorflow/tfjs-core';
import { project } from '../blocks/projection';
import type { Projection } from '../blocks/projection';
import type { ParameterSpec } from '../../model/types';
import { activation } from '../../nn/activation';
import type { SpecMaker } from '../blocks/parameterSpecs';
import { crossAttention, normalize, selfAttention } from './blocks';
import type { AttentionParams, EncodedLayer, NormParams } from './blocks';
import type { Stack } from './stack';

/** The weights of a layer of the first transformers: a norm after each sum. */
export interface PostNormWeights {
  readonly attention: AttentionParams;
  readonly attentionNorm: NormParams;
  /** Of a decoder that has an encoder. */
  readonly crossAttention?: AttentionParams;
  readonly crossAttentionNorm?: NormParams;
  readonly feedForward: { readonly up: Projection; readonly down: Projection };
  readonly feedForwardNorm: NormParams;
}

/** What such a layer is told. */
export interface PostNormSettings {
  readonly heads: number;
  readonly hiddenAct: string;
  readonly epsilon: number;
  /** Of the attention weights. */
  readonly attentionDropout: number;
  /** Of what attention adds. */
  readonly attendedDropout: number;
  /** Between the matrices of the feed-forward layer. */
  readonly activationDropout: number;
  /** Of what the feed-forward layer adds. */
  readonly feedForwardDropout: number;
}

/**
 * One layer as in Vaswani et al.: "Attention Is All You Need" (2017), section 3.1: attention to itself, to the encoder where
 * there is one, and a feed-forward layer of two matrices, each added to what went in and then normed.
 */
export function postNormLayer(
  x: tf.Tensor, // [B, T, D]
  weights: PostNormWeights,
  index: number,
  stack: Stack,
  settings: PostNormSettings,
  encoded?: EncodedLayer,
): tf.Tensor {
  const at = `layers.${index}`;
  const { heads, epsilon, attentionDropout: dropout, attendedDropout } = settings;
  const how = { layer: index, heads, scale: 1 / Math.sqrt(x.shape[2]! / heads), dropout };
  const add = (name: string, more: tf.Tensor, rate: number, norm: NormParams): tf.Tensor =>
    stack.observe(`${at}.${name}`, normalize(tf.add(x, stack.drop(more, rate)), norm, epsilon));

  const attended = selfAttention(x, weights.attention, stack, how); // [B, T, D]
  x = add('afterAttention', attended, attendedDropout, weights.attentionNorm);
  if (encoded) {
    const seen = crossAttention(x, weights.crossAttention!, stack, encoded, how); // [B, T, D]
    x = add('afterCrossAttention', seen, attendedDropout, weights.crossAttentionNorm!);
  }
  const narrow = stack.replay('feedForward', x, weights.feedForward, (value, { up, down }) => {
    const hidden = stack.observe(`${at}.feedForward.hidden`, activation(settings.hiddenAct)(project(value, up))); // [B, T, F]
    return project(stack.drop(hidden, settings.activationDropout), down); // [B, T, D]
  });
  const fed = stack.observe(`${at}.feedForward.output`, narrow);
  return add('output', fed, settings.feedForwardDropout, weights.feedForwardNorm);
}

/** What the parts of a layer are called in a family's checkpoints. */
export interface PostNormNames {
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly output: string;
  readonly attentionNorm: string;
  readonly up: string;
  readonly down: string;
  readonly feedForwardNorm: string;
}

/** The parameters of attention: four matrices [D, D] with biases. */
export function attentionSpecs(
  at: string,
  name: string,
  names: Pick<PostNormNames, 'query' | 'key' | 'value' | 'output'>,
  width: number,
  make: SpecMaker,
): ParameterSpec[] {
  return (['query', 'key', 'value', 'output'] as const).flatMap((part) =>
    make.projection(`${at}.${part}`, `${name}.${names[part]}`, [width, width], true),
  );
}

/** The parameters of one layer; `cross` stand between attention and feed-forward layer. */
export function postNormLayerSpecs(
  at: string,
  name: string,
  names: PostNormNames,
  { width, inner }: { readonly width: number; readonly inner: number },
  make: SpecMaker,
  cross: readonly ParameterSpec[] = [],
): ParameterSpec[] {
  return [
    ...attentionSpecs(`${at}.attention`, name, names, width, make),
    ...make.layerNorm(`${at}.attentionNorm`, `${name}.${names.attentionNorm}`, width),
    ...cross,
    ...make.projection(`${at}.feedForward.up`, `${name}.${names.up}`, [inner, width], true),
    ...make.projection(`${at}.feedForward.down`, `${name}.${names.down}`, [width, inner], true),
    ...make.layerNorm(`${at}.feedForwardNorm`, `${name}.${names.feedForwardNorm}`, width),
  ];
}

/**
 * The T5 form. Raffel et al.: "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer" (2020),
 * section 2.1, with the gated feed-forward layer of T5 1.1; as Hugging Face's `T5ForConditionalGeneration`. Root-mean-square
 * norms before each block and after the last; no scale in attention; positions are a bias for each distance and head,
 * shared by all layers of a stack.
 */
import * as tf from '@tensorflow/tfjs-core';
import { project } from './blocks/projection';
import type { Projection } from './blocks/projection';
import type { Architecture } from '../model/types';
import { activation } from '../nn/activation';
import { embed } from '../nn/embed';
import { linear } from '../nn/linear';
import { relativePositionBias } from '../nn/relativePositionBias';
import { rmsNorm } from '../nn/rmsNorm';
import { outputLayer } from './heads/outputLayer';
import { crossAttention, encodedFor, selfAttention } from './stacks/blocks';
import type { AttentionParams, Encoded, EncodedLayer, TableParams } from './stacks/blocks';
import { defineEncoderDecoder } from './stacks/encoderDecoder';
import type { EncoderDecoderParams } from './stacks/encoderDecoder';
import type { Stack } from './stacks/stack';
import { configureT5, t5DecoderLayers } from './t5Config';
import type { T5Config } from './t5Config';
import { t5Parameters } from './t5Parameters';

interface Norm {
  readonly weight: tf.Tensor; // [D]
}

interface Layer {
  readonly attentionNorm: Norm;
  readonly attention: AttentionParams;
  readonly crossAttentionNorm: Norm; // of the decoder
  readonly crossAttention: AttentionParams;
  readonly feedForwardNorm: Norm;
  readonly feedForward: {
    readonly gate?: Projection;
    readonly up: Projection;
    readonly down: Projection;
  };
}

interface Half {
  readonly layers: readonly Layer[];
  readonly relativePosition: TableParams; // [buckets, H]
  readonly finalNorm: Norm;
}

interface T5Params extends EncoderDecoderParams {
  readonly tokenEmbedding: TableParams; // [V, D]
  readonly encoder: Half;
  readonly decoder?: Half;
  readonly outputEmbedding?: TableParams; // [V, D]
}

/** One half of the model: [B, T] → [B, T, D]. The decoder is the one that sees an encoder. */
function runHalf(half: Half, table: TableParams, ids: tf.Tensor, stack: Stack, config: T5Config, encoded?: Encoded) {
  const { dropout, relativeAttentionBuckets: buckets, relativeAttentionMaxDistance: maxDistance } = config;
  const distances = { buckets, maxDistance, bidirectional: !encoded, queryOffset: stack.queryOffset };
  const bias = relativePositionBias(half.relativePosition.weight, stack.time, stack.keys, distances); // [1, H, T, S]
  let x = stack.observe('embeddings', stack.drop(embed(ids, table.weight), dropout)); // [B, T, D]
  half.layers.forEach((weights, index) => {
    const read = { weights, bias, encoded: encodedFor(index, encoded) };
    x = stack.replay('blocks', x, read, (value, tree) => runLayer(value, tree, index, stack, config)); // [B, T, D]
  });
  return stack.observe('finalNorm', stack.drop(norm(x, half.finalNorm, config), dropout));
}

/** What one layer reads beside its input; the decoder's sees an encoder. */
interface LayerInputs {
  readonly weights: Layer;
  readonly bias: tf.Tensor; // [1, H, T, S]
  readonly encoded: EncodedLayer | undefined;
}

function runLayer(
  x: tf.Tensor,
  { weights, bias, encoded }: LayerInputs,
  index: number,
  stack: Stack,
  config: T5Config,
): tf.Tensor {
  const { dropout, numAttentionHeads: heads } = config;
  const how = { layer: index, heads, scale: 1, dropout };
  const at = `layers.${index}`;
  const attended = selfAttention(norm(x, weights.attentionNorm, config), weights.attention, stack, { ...how, bias });
  x = stack.observe(`${at}.afterAttention`, tf.add(x, stack.drop(attended, dropout)));
  if (encoded) {
    const normed = norm(x, weights.crossAttentionNorm, config);
    const seen = crossAttention(normed, weights.crossAttention, stack, encoded, how);
    x = stack.observe(`${at}.afterCrossAttention`, tf.add(x, stack.drop(seen, dropout)));
  }
  return stack.observe(`${at}.output`, tf.add(x, stack.drop(feed(x, weights, at, stack, config), dropout)));
}

function feed(x: tf.Tensor, layer: Layer, at: string, stack: Stack, config: T5Config): tf.Tensor {
  const normed = norm(x, layer.feedForwardNorm, config); // [B, T, D]
  const act = activation(config.hiddenAct);
  const output = stack.replay('feedForward', normed, layer.feedForward, (value, { gate, up, down }) => {
    const wide = gate ? tf.mul(act(project(value, gate)), project(value, up)) : act(project(value, up)); // [B, T, F]
    const hidden = stack.observe(`${at}.feedForward.hidden`, wide);
    return project(stack.drop(hidden, config.dropout), down); // [B, T, D]
  });
  return stack.observe(`${at}.feedForward.output`, output);
}

function norm(x: tf.Tensor, { weight }: Norm, config: T5Config): tf.Tensor {
  return rmsNorm(x, weight, { epsilon: config.layerNormEpsilon });
}

/** T5 1.0 divides by √D where its output is the token embedding. */
function beforeOutput(hidden: tf.Tensor, config: T5Config): tf.Tensor {
  const scaled = config.scaleDecoderOutputs ?? config.tieWordEmbeddings;
  return scaled ? tf.mul(hidden, config.hiddenSize ** -0.5) : hidden; // [B, T, D]
}

/**
 * The T5 form of the encoder-decoder: T5, T5 1.1, Flan-T5, mT0's little siblings.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { createModel, t5 } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const size = { vocabSize: 10, hiddenSize: 8, headDim: 4, intermediateSize: 16, numHiddenLayers: 1, numAttentionHeads: 2 };
 * const { params, config } = createModel(t5, size, { seed: 1 });
 * const inputIds = tf.tensor2d([[4, 5, 6, 1]], [1, 4], 'int32');
 * const decoderInputIds = tf.tensor2d([[0, 7]], [1, 2], 'int32');
 * const { logits } = t5.forward(params, { inputIds, decoderInputIds }, { config });
 * console.log(logits.shape); // → [ 1, 2, 10 ]
 * ```
 */
export const t5: Architecture<T5Config> = /* @__PURE__ */ defineEncoderDecoder<T5Config, T5Params>({
  name: 't5',
  configure: configureT5,
  parameters: t5Parameters,
  cacheShape: (config) => ({
    layers: t5DecoderLayers(config),
    heads: config.numAttentionHeads,
    headDim: config.headDim,
  }),
  positionLimit: () => Infinity,
  shiftsInput: ['sequence-classification', 'question-answering'],
  encoder: (params, ids, stack, config) => runHalf(params.encoder, params.tokenEmbedding, ids, stack, config),
  decoder: (params, ids, stack, config, encoded) =>
    runHalf(params.decoder!, params.tokenEmbedding, ids, stack, config, encoded),
  beforeOutput,
  outputLayer: ({ outputEmbedding, tokenEmbedding }, { vocabSize }) =>
    outputLayer((outputEmbedding ?? tokenEmbedding).weight, vocabSize, (hidden, weight) => linear(hidden, weight)),
});

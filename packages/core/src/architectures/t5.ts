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
import { inOutputLayer } from '../precision/precision';
import { relativePositionBias } from '../nn/relativePositionBias';
import { rmsNorm } from '../nn/rmsNorm';
import { crossAttention, selfAttention } from './stacks/blocks';
import type { AttentionParams, Encoded, TableParams } from './stacks/blocks';
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
  half.layers.forEach((layer, index) => {
    const how = { layer: index, heads: config.numAttentionHeads, scale: 1, dropout };
    const at = `layers.${index}`;
    const attended = selfAttention(norm(x, layer.attentionNorm, config), layer.attention, stack, { ...how, bias });
    x = stack.observe(`${at}.afterAttention`, tf.add(x, stack.drop(attended, dropout)));
    if (encoded) {
      const normed = norm(x, layer.crossAttentionNorm, config);
      const seen = crossAttention(normed, layer.crossAttention, stack, encoded, how);
      x = stack.observe(`${at}.afterCrossAttention`, tf.add(x, stack.drop(seen, dropout)));
    }
    x = stack.observe(`${at}.output`, tf.add(x, stack.drop(feed(x, layer, at, stack, config), dropout)));
  });
  return stack.observe('finalNorm', stack.drop(norm(x, half.finalNorm, config), dropout));
}

function feed(x: tf.Tensor, layer: Layer, at: string, stack: Stack, config: T5Config): tf.Tensor {
  const { gate, up, down } = layer.feedForward;
  const normed = norm(x, layer.feedForwardNorm, config); // [B, T, D]
  const act = activation(config.hiddenAct);
  const wide = gate ? tf.mul(act(project(normed, gate)), project(normed, up)) : act(project(normed, up)); // [B, T, F]
  const hidden = stack.observe(`${at}.feedForward.hidden`, wide);
  return stack.observe(`${at}.feedForward.output`, project(stack.drop(hidden, config.dropout), down)); // [B, T, D]
}

function norm(x: tf.Tensor, { weight }: Norm, config: T5Config): tf.Tensor {
  return rmsNorm(x, weight, { epsilon: config.layerNormEpsilon });
}

/** T5 1.0 divides by √D where its output is the token embedding. */
function languageHead(params: T5Params, hidden: tf.Tensor, config: T5Config): tf.Tensor {
  const scaled = config.scaleDecoderOutputs ?? config.tieWordEmbeddings;
  const x = scaled ? tf.mul(hidden, config.hiddenSize ** -0.5) : hidden;
  return inOutputLayer(() => linear(x, (params.outputEmbedding ?? params.tokenEmbedding).weight)); // [B, T, V]
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
  languageHead,
});

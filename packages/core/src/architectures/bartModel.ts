/**
 * What BART and Marian share: the encoder-decoder of Vaswani et al.: "Attention Is All You Need" (2017), section 3, with
 * one token embedding for encoder, decoder and output.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Architecture, OutputLayer } from '../model/types';
import { embed } from '../nn/embed';
import { linear } from '../nn/linear';
import { sinusoidalTable } from '../nn/sinusoidalTable';
import type { BartConfig } from './bartConfig';
import { bartParameters } from './bartParameters';
import type { BartForm } from './bartParameters';
import { outputLayer } from './heads/outputLayer';
import { encodedFor, normalize } from './stacks/blocks';
import type { AttentionParams, Encoded, NormParams, TableParams } from './stacks/blocks';
import { defineEncoderDecoder } from './stacks/encoderDecoder';
import type { EncoderDecoderFamily, EncoderDecoderParams } from './stacks/encoderDecoder';
import { postNormLayer } from './stacks/postNormLayer';
import type { PostNormWeights } from './stacks/postNormLayer';
import type { Stack } from './stacks/stack';

const epsilon = 1e-5;

interface Half<L = PostNormWeights> {
  readonly tokenEmbedding?: TableParams; // [V, D], of its own
  readonly positionEmbedding?: TableParams; // [offset + maxPositionEmbeddings, D]
  readonly embeddingNorm?: NormParams;
  readonly layers: readonly L[];
}

interface BartParams extends EncoderDecoderParams {
  readonly tokenEmbedding?: TableParams; // [V, D], shared
  readonly encoder: Half;
  readonly decoder: Half<PostNormWeights & { readonly crossAttention: AttentionParams }>;
  readonly outputEmbedding?: TableParams; // [V, D]
  readonly logitsBias?: tf.Tensor; // [1, V]
}

/** One half of the model: [B, T] → [B, T, D]. The decoder is the one that sees an encoder. */
function runHalf(
  form: BartForm,
  half: Half,
  { tokenEmbedding }: BartParams,
  ids: tf.Tensor,
  stack: Stack,
  config: BartConfig,
  encoded?: Encoded,
): tf.Tensor {
  const table = (half.tokenEmbedding ?? tokenEmbedding)!.weight;
  const tokens = embed(ids, table, { paddingId: config.padTokenId ?? undefined }); // [B, T, D]
  const scaled = config.scaleEmbedding ? tf.mul(tokens, Math.sqrt(config.hiddenSize)) : tokens;
  const summed = tf.add(scaled, positionRows(form, half, stack, config));
  const normed = half.embeddingNorm ? normalize(summed, half.embeddingNorm, epsilon) : summed;
  let x = stack.observe('embeddings', stack.drop(normed, config.dropout)); // [B, T, D]
  const settings = {
    heads: encoded ? config.numDecoderAttentionHeads : config.numAttentionHeads,
    hiddenAct: config.hiddenAct,
    epsilon,
    attentionDropout: config.attentionDropout,
    attendedDropout: config.dropout,
    activationDropout: config.activationDropout,
    feedForwardDropout: config.dropout,
  };
  half.layers.forEach((layer, index) => {
    const read = { layer, encoded: encodedFor(index, encoded) };
    x = stack.replay('blocks', x, read, (value, { layer: weights, encoded: seen }) =>
      postNormLayer(value, weights, index, stack, settings, seen),
    ); // [B, T, D]
  });
  return x;
}

/** Learned rows, behind those that are not used, or the fixed sines: [T, D] or [B, T, D]. */
function positionRows(form: BartForm, { positionEmbedding }: Half, stack: Stack, config: BartConfig): tf.Tensor {
  if (positionEmbedding) {
    const offset = tf.scalar(form.positionOffset ?? 0, 'int32');
    return embed(tf.add(stack.positions, offset), positionEmbedding.weight);
  }
  const { maxPositionEmbeddings: length, hiddenSize: width } = config;
  return embed(stack.positions, tf.tensor2d(fixedTable(length, width), [length, width]));
}

let lastTable: { readonly key: string; readonly values: Float32Array } | undefined;

/** The table of sines, kept between calls: decoding without compilation asks for it at every token. */
function fixedTable(length: number, width: number): Float32Array {
  const key = `${length} ${width}`;
  if (lastTable?.key !== key) lastTable = { key, values: sinusoidalTable(length, width, { interleaved: false }) };
  return lastTable.values;
}

function languageOutput(
  { outputEmbedding, tokenEmbedding, decoder, logitsBias }: BartParams,
  { vocabSize }: BartConfig,
): OutputLayer {
  const { weight } = (outputEmbedding ?? tokenEmbedding ?? decoder.tokenEmbedding)!; // [V, D]
  return outputLayer({ weight, bias: logitsBias! }, vocabSize, (hidden, layer) =>
    tf.add(linear(hidden, layer.weight), tf.reshape(layer.bias, [-1])),
  );
}

/** An architecture of the BART form. */
export function defineBart(
  own: Pick<EncoderDecoderFamily<BartConfig, BartParams>, 'name' | 'configure' | 'shiftsInput'>,
  form: BartForm,
): Architecture<BartConfig> {
  return defineEncoderDecoder<BartConfig, BartParams>({
    ...own,
    postNorm: true,
    parameters: (config) => bartParameters(config, form),
    cacheShape: ({ numDecoderLayers: layers, numDecoderAttentionHeads: heads, hiddenSize }) => ({
      layers,
      heads,
      headDim: hiddenSize / heads,
    }),
    positionLimit: (config) => config.maxPositionEmbeddings,
    encoder: (params, ids, stack, config) => runHalf(form, params.encoder, params, ids, stack, config),
    decoder: (params, ids, stack, config, encoded) =>
      runHalf(form, params.decoder, params, ids, stack, config, encoded),
    outputLayer: languageOutput,
  });
}

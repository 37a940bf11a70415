/**
 * The Gemma form. Gemma Team: "Gemma: Open Models Based on Gemini Research and Technology" (2024), section 2; as Hugging
 * Face's `GemmaForCausalLM`. Llama, but norms multiply by 1 + weight, token vectors by √D, and the gate goes through gelu.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Architecture } from '../model/types';
import { rmsNorm } from '../nn/rmsNorm';
import type { RotaryTable } from '../nn/rotaryEmbedding';
import { embedTokens } from './blocks/embedTokens';
import { defineDecoder } from './decoder';
import { llamaBlock, llamaParts } from './llama';
import type { LlamaLayer } from './llama';
import { configureRotaryDecoder, llamaDefaults } from './rotaryDecoderConfig';
import type { RotaryDecoderConfig, RotaryDecoderDefaults } from './rotaryDecoderConfig';
import { rotaryDecoderParameters } from './rotaryDecoderParameters';

/** The Gemma form; beside each field its name in config.json. */
export interface GemmaConfig extends RotaryDecoderConfig {
  /** `attention_bias` */
  readonly attentionBias: boolean;
}

/** What Gemma's later versions start from. */
export const gemmaDefaults: RotaryDecoderDefaults<GemmaConfig> = {
  ...llamaDefaults,
  vocabSize: 256000,
  hiddenSize: 3072,
  intermediateSize: 24576,
  numHiddenLayers: 28,
  numAttentionHeads: 16,
  maxPositionEmbeddings: 8192,
  hiddenAct: 'gelu_pytorch_tanh',
  tieWordEmbeddings: true,
  attentionBias: false,
};

/** x / rms(x) · (1 + weight): [..., D] → [..., D]. */
export function gemmaNorm({
  rmsNormEpsilon: epsilon,
}: RotaryDecoderConfig): (x: tf.Tensor, weight: tf.Tensor) => tf.Tensor {
  return (x, weight) => rmsNorm(x, weight, { epsilon, weightOffset: 1 });
}

/** What all versions of Gemma share: all but config, parameters and block. */
export const gemmaParts = {
  ...llamaParts,
  embed: (...[params, pass]: Parameters<typeof embedTokens<RotaryDecoderConfig>>): tf.Tensor =>
    tf.mul(embedTokens(params, pass), Math.sqrt(pass.config.hiddenSize)), // [B, T, D]
  normalize: (x: tf.Tensor, { weight }: { weight: tf.Tensor }, config: RotaryDecoderConfig): tf.Tensor =>
    gemmaNorm(config)(x, weight),
};

/**
 * The Gemma form of the decoder-only transformer, first version.
 *
 * @example
 * ```ts
 * import { createModel, countParameters, gemma, selectBackend } from '@tesserae/core';
 *
 * await selectBackend({ prefer: 'cpu', log: false });
 * const size = { vocabSize: 10, hiddenSize: 8, intermediateSize: 16, numHiddenLayers: 1, numAttentionHeads: 2, numKeyValueHeads: 1 };
 * console.log(countParameters(createModel(gemma, size))); // → 680
 * ```
 */
export const gemma: Architecture<GemmaConfig> = /* @__PURE__ */ defineDecoder<GemmaConfig, LlamaLayer, RotaryTable>({
  ...gemmaParts,
  name: 'gemma',
  heads: ['causal-lm', 'sequence-classification', 'token-classification', 'none'],
  configure: (given) => configureRotaryDecoder('gemma', gemmaDefaults, given),
  parameters: (config) =>
    rotaryDecoderParameters(config, {
      queryKeyValueBias: config.attentionBias,
      outputBias: config.attentionBias,
      norms: 'zeros',
    }),
  block: (x, weights, layer) => llamaBlock(x, weights, layer, { norm: gemmaNorm(layer.config) }),
});

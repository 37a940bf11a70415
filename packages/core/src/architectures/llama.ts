/**
 * The Llama form. Touvron et al.: "LLaMA: Open and Efficient Foundation Language Models" (2023), section 2.2, with the
 * grouped key/value heads of Llama 2; as Hugging Face's `LlamaForCausalLM`. Rotary positions, root-mean-square norms
 * before each block and one after the last, a gated feed-forward layer, an output embedding of its own (or tied).
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Architecture } from '../model/types';
import { rmsNorm } from '../nn/rmsNorm';
import type { RotaryTable } from '../nn/rotaryEmbedding';
import { embedTokens } from './blocks/embedTokens';
import { gatedFeedForward } from './blocks/gatedFeedForward';
import type { GatedWeights } from './blocks/gatedFeedForward';
import { selfAttention } from './blocks/selfAttention';
import type { AttentionWeights, SelfAttentionOptions } from './blocks/selfAttention';
import { defineDecoder } from './decoder';
import type { DecoderLayer } from './decoder';
import { configureRotaryDecoder, llamaDefaults } from './rotaryDecoderConfig';
import type { RotaryDecoderConfig } from './rotaryDecoderConfig';
import { rotaryDecoderParameters } from './rotaryDecoderParameters';
import { positionLimit, scaledRotaryTable } from './ropeScaling';

/** The Llama form; beside each field its name in config.json. */
export interface LlamaConfig extends RotaryDecoderConfig {
  /** `attention_bias` */
  readonly attentionBias: boolean;
  /** `mlp_bias` */
  readonly mlpBias: boolean;
}

/** The weights of a layer. */
export interface LlamaLayer {
  readonly attentionNorm: { readonly weight: tf.Tensor }; // [D]
  readonly attention: AttentionWeights;
  readonly feedForwardNorm: { readonly weight: tf.Tensor }; // [D]
  readonly feedForward: GatedWeights;
}

/** x + attention(norm(x)), then that + feed-forward(norm(that)): [B, T, D] → [B, T, D]. */
export function llamaBlock<C extends RotaryDecoderConfig>(
  x: tf.Tensor,
  { attentionNorm, attention, feedForwardNorm, feedForward }: LlamaLayer,
  layer: DecoderLayer<C, RotaryTable>,
  options: Omit<SelfAttentionOptions, 'rotary'> = {},
): tf.Tensor {
  const { config, context, shared: rotary, at } = layer;
  const { norm = (value, weight) => rmsNorm(value, weight, { epsilon: config.rmsNormEpsilon }) } = options;

  const attended = selfAttention(norm(x, attentionNorm.weight), attention, layer, { ...options, rotary, norm }); // [B, T, D]
  x = context.observe(`${at}.afterAttention`, tf.add(x, attended));
  const fed = gatedFeedForward(norm(x, feedForwardNorm.weight), feedForward, layer); // [B, T, D]
  return context.observe(`${at}.output`, tf.add(x, fed));
}

/** What Llama shares with those that follow it: all but config, parameters and block. */
export const llamaParts = {
  positionLimit,
  endless: true,
  prepare: ({ context, config }: Pick<DecoderLayer<RotaryDecoderConfig>, 'context' | 'config'>): RotaryTable =>
    scaledRotaryTable(context.positions, config), // [T, E/2] or [B, T, E/2]
  embed: embedTokens,
  normalize: (x: tf.Tensor, { weight }: { weight: tf.Tensor }, config: RotaryDecoderConfig): tf.Tensor =>
    rmsNorm(x, weight, { epsilon: config.rmsNormEpsilon }),
};

/**
 * The Llama form of the decoder-only transformer: Llama 1 to 3, TinyLlama, SmolLM, llama2.c and their like.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { createModel, llama } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const size = { vocabSize: 10, hiddenSize: 8, intermediateSize: 16, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 4 };
 * const model = createModel(llama, size, { seed: 1 });
 * const { logits } = llama.forward(model.params, { inputIds: tf.tensor2d([[1, 2, 3]], [1, 3], 'int32') }, { config: model.config });
 * console.log(logits.shape); // → [ 1, 3, 10 ]
 * ```
 */
export const llama: Architecture<LlamaConfig> = /* @__PURE__ */ defineDecoder<LlamaConfig, LlamaLayer, RotaryTable>({
  ...llamaParts,
  name: 'llama',
  configure: (given) =>
    configureRotaryDecoder<LlamaConfig>('llama', { ...llamaDefaults, attentionBias: false, mlpBias: false }, given),
  parameters: (config) =>
    rotaryDecoderParameters(config, {
      queryKeyValueBias: config.attentionBias,
      outputBias: config.attentionBias,
      feedForwardBias: config.mlpBias,
      questionAnsweringPrefix: 'transformer.',
    }),
  block: (x, weights, layer) => llamaBlock(x, weights, layer),
});

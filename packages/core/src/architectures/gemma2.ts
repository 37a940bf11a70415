/**
 * The Gemma 2 form. Gemma Team: "Gemma 2: Improving Open Language Models at a Practical Size" (2024), section 2; as Hugging
 * Face's `Gemma2ForCausalLM`. Gemma, but with norms after attention and feed-forward layer too, every other layer seeing
 * through a sliding window, soft caps on attention scores and logits, and a scale of the scores of its own.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Architecture } from '../model/types';
import type { RotaryTable } from '../nn/rotaryEmbedding';
import { softcap } from '../nn/softcap';
import { gatedFeedForward } from './blocks/gatedFeedForward';
import { selfAttention } from './blocks/selfAttention';
import type { SelfAttentionOptions } from './blocks/selfAttention';
import { requireRange } from './checkConfig';
import { defineDecoder } from './decoder';
import type { DecoderLayer } from './decoder';
import { gemmaDefaults, gemmaNorm, gemmaParts } from './gemma';
import type { GemmaConfig } from './gemma';
import { completeLayerTypes, windowOf } from './layerTypes';
import type { LayerTypesConfig } from './layerTypes';
import type { LlamaLayer } from './llama';
import { configureRotaryDecoder } from './rotaryDecoderConfig';
import type { RotaryDecoderDefaults } from './rotaryDecoderConfig';
import { rotaryDecoderParameters } from './rotaryDecoderParameters';

/** The Gemma 2 form; beside each field its name in config.json. */
export interface Gemma2Config extends GemmaConfig, LayerTypesConfig {
  readonly numKeyValueHeads: number;
  readonly headDim: number;
  /** `query_pre_attn_scalar`: scores are divided by its square root. */
  readonly queryPreAttentionScalar: number;
  /** `attn_logit_softcapping`; none when null. */
  readonly attentionSoftcap: number | null;
  /** `final_logit_softcapping`; none when null. */
  readonly finalSoftcap: number | null;
}

/** The weights of a layer. */
export interface Gemma2Layer extends LlamaLayer {
  readonly postAttentionNorm: { readonly weight: tf.Tensor }; // [D]
  readonly postFeedForwardNorm: { readonly weight: tf.Tensor }; // [D]
}

/** Gemma 3 starts from the same; every other layer slides when `layerTypes` is left out. */
export const gemma2Defaults: Omit<RotaryDecoderDefaults<Gemma2Config>, 'layerTypes'> = {
  ...gemmaDefaults,
  hiddenSize: 2304,
  intermediateSize: 9216,
  numHiddenLayers: 26,
  numAttentionHeads: 8,
  queryPreAttentionScalar: 256,
  slidingWindow: 4096,
  attentionSoftcap: 50,
  finalSoftcap: 30,
};

/** Where the norms of a layer stand in checkpoints. */
export const gemma2Norms = {
  attentionNorm: 'input_layernorm',
  postAttentionNorm: 'post_attention_layernorm',
  feedForwardNorm: 'pre_feedforward_layernorm',
  postFeedForwardNorm: 'post_feedforward_layernorm',
};

/** x + norm(attention(norm(x))), then that + norm(feed-forward(norm(that))): [B, T, D] → [B, T, D]. */
export function gemma2Block(
  x: tf.Tensor,
  weights: Gemma2Layer,
  layer: DecoderLayer<Gemma2Config>,
  options: Omit<SelfAttentionOptions, 'scale' | 'norm'>,
): tf.Tensor {
  const { config, context, at } = layer;
  const norm = gemmaNorm(config);
  const scale = config.queryPreAttentionScalar ** -0.5;

  const input = norm(x, weights.attentionNorm.weight); // [B, T, D]
  const attended = selfAttention(input, weights.attention, layer, { ...options, scale, norm }); // [B, T, D]
  x = context.observe(`${at}.afterAttention`, tf.add(x, norm(attended, weights.postAttentionNorm.weight)));
  const fed = gatedFeedForward(norm(x, weights.feedForwardNorm.weight), weights.feedForward, layer); // [B, T, D]
  return context.observe(`${at}.output`, tf.add(x, norm(fed, weights.postFeedForwardNorm.weight)));
}

/** Checks what Gemma 2 and 3 have beyond Gemma. */
export function checkGemma2(name: string, config: Gemma2Config): void {
  requireRange(name, config, ['queryPreAttentionScalar'], Number.MIN_VALUE, Infinity);
  for (const cap of ['attentionSoftcap', 'finalSoftcap'] as const) {
    if (config[cap] !== null) requireRange(name, config, [cap], Number.MIN_VALUE, Infinity);
  }
}

/** The logits of a language model, capped where the config says so. */
export const capLogits = (logits: tf.Tensor, { finalSoftcap }: Gemma2Config): tf.Tensor =>
  finalSoftcap === null ? logits : softcap(logits, finalSoftcap);

/**
 * The Gemma 2 form of the decoder-only transformer.
 *
 * @example
 * ```ts
 * import { createModel, countParameters, gemma2, selectBackend } from '@tesserae/core';
 *
 * await selectBackend({ prefer: 'cpu', log: false });
 * const size = { vocabSize: 10, hiddenSize: 8, intermediateSize: 16, numHiddenLayers: 1, numAttentionHeads: 2, numKeyValueHeads: 1 };
 * console.log(countParameters(createModel(gemma2, size))); // → 696
 * ```
 */
export const gemma2: Architecture<Gemma2Config> = /* @__PURE__ */ defineDecoder<Gemma2Config, Gemma2Layer, RotaryTable>(
  {
    ...gemmaParts,
    name: 'gemma2',
    heads: ['causal-lm', 'sequence-classification', 'token-classification', 'none'],
    configure(given) {
      const config = configureRotaryDecoder<Gemma2Config>('gemma2', gemma2Defaults as Gemma2Config, given, [
        'layerTypes',
      ]);
      checkGemma2('gemma2', config);
      return completeLayerTypes('gemma2', config, (i) => (i % 2 === 0 ? 'sliding_attention' : 'full_attention'));
    },
    parameters: (config) =>
      rotaryDecoderParameters(config, {
        queryKeyValueBias: config.attentionBias,
        outputBias: config.attentionBias,
        norms: 'zeros',
        layerNorms: gemma2Norms,
      }),
    block(x, weights, layer) {
      const { config, shared: rotary, index } = layer;
      return gemma2Block(x, weights, layer, {
        rotary,
        window: windowOf(config, index),
        softcap: config.attentionSoftcap,
      });
    },
    finishLogits: capLogits,
  },
);

/**
 * The Qwen3 form. Yang et al.: "Qwen3 Technical Report" (2025), section 2; as Hugging Face's `Qwen3ForCausalLM`. Qwen2
 * without biases (unless `attentionBias`), but with a norm of each query and key head.
 */
import type { Architecture } from '../model/types';
import type { RotaryTable } from '../nn/rotaryEmbedding';
import { defineDecoder } from './decoder';
import { completeLayerTypes, windowOf } from './layerTypes';
import { llamaBlock, llamaParts } from './llama';
import type { LlamaLayer } from './llama';
import { qwenDefaults } from './qwen2';
import type { Qwen2Config } from './qwen2';
import { configureRotaryDecoder } from './rotaryDecoderConfig';
import { rotaryDecoderParameters } from './rotaryDecoderParameters';

/** The Qwen3 form; beside each field its name in config.json. */
export interface Qwen3Config extends Qwen2Config {
  /** `attention_bias` */
  readonly attentionBias: boolean;
}

/**
 * The Qwen3 form of the decoder-only transformer.
 *
 * @example
 * ```ts
 * import { createModel, countParameters, qwen3, selectBackend } from '@tesserae/core';
 *
 * await selectBackend({ prefer: 'cpu', log: false });
 * const size = { vocabSize: 10, hiddenSize: 8, intermediateSize: 16, numHiddenLayers: 1, numAttentionHeads: 2, headDim: 6 };
 * console.log(countParameters(createModel(qwen3, size))); // → 964
 * ```
 */
export const qwen3: Architecture<Qwen3Config> = /* @__PURE__ */ defineDecoder<Qwen3Config, LlamaLayer, RotaryTable>({
  ...llamaParts,
  name: 'qwen3',
  configure(given) {
    const defaults = { ...qwenDefaults, attentionBias: false } as Qwen3Config;
    const config = configureRotaryDecoder<Qwen3Config>('qwen3', defaults, given, ['layerTypes']);
    return completeLayerTypes('qwen3', config, () => 'full_attention');
  },
  parameters: (config) =>
    rotaryDecoderParameters(config, {
      queryKeyValueBias: config.attentionBias,
      outputBias: config.attentionBias,
      headNorms: true,
      questionAnsweringPrefix: 'transformer.',
    }),
  block: (x, weights, layer) => llamaBlock(x, weights, layer, { window: windowOf(layer.config, layer.index) }),
});

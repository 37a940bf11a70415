/**
 * The Qwen2 form. Yang et al.: "Qwen2 Technical Report" (2024), section 2.2.1; as Hugging Face's `Qwen2ForCausalLM`.
 * Llama, but queries, keys and values have biases, and some layers may see through a sliding window.
 */
import type { Architecture } from '../model/types';
import type { RotaryTable } from '../nn/rotaryEmbedding';
import { defineDecoder } from './decoder';
import { completeLayerTypes, windowOf } from './layerTypes';
import type { LayerTypesConfig } from './layerTypes';
import { llamaBlock, llamaParts } from './llama';
import type { LlamaLayer } from './llama';
import { configureRotaryDecoder, llamaDefaults } from './rotaryDecoderConfig';
import type { RotaryDecoderConfig, RotaryDecoderDefaults } from './rotaryDecoderConfig';
import { rotaryDecoderParameters } from './rotaryDecoderParameters';

/**
 * The Qwen2 form. `slidingWindow` is null where `use_sliding_window` is false; `layerTypes` are all `full_attention`
 * when left out.
 */
export interface Qwen2Config extends RotaryDecoderConfig, LayerTypesConfig {
  readonly numKeyValueHeads: number;
  readonly headDim: number;
}

/** Qwen3 has the same. */
export const qwenDefaults: Omit<RotaryDecoderDefaults<Qwen2Config>, 'layerTypes'> = {
  ...llamaDefaults,
  vocabSize: 151936,
  intermediateSize: 22016,
  maxPositionEmbeddings: 32768,
  slidingWindow: null,
};

/**
 * The Qwen2 (and Qwen2.5) form of the decoder-only transformer.
 *
 * @example
 * ```ts
 * import { createModel, countParameters, qwen2, selectBackend } from '@tesserae/core';
 *
 * await selectBackend({ prefer: 'cpu', log: false });
 * const model = createModel(qwen2, { vocabSize: 10, hiddenSize: 8, intermediateSize: 16, numHiddenLayers: 1, numAttentionHeads: 2 });
 * console.log(countParameters(model)); // → 848
 * ```
 */
export const qwen2: Architecture<Qwen2Config> = /* @__PURE__ */ defineDecoder<Qwen2Config, LlamaLayer, RotaryTable>({
  ...llamaParts,
  name: 'qwen2',
  configure(given) {
    const config = configureRotaryDecoder<Qwen2Config>('qwen2', qwenDefaults as Qwen2Config, given, ['layerTypes']);
    return completeLayerTypes('qwen2', config, () => 'full_attention');
  },
  parameters: (config) =>
    rotaryDecoderParameters(config, { queryKeyValueBias: true, questionAnsweringPrefix: 'transformer.' }),
  block: (x, weights, layer) => llamaBlock(x, weights, layer, { window: windowOf(layer.config, layer.index) }),
});

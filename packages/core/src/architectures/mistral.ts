/**
 * The Mistral form. Jiang et al.: "Mistral 7B" (2023), section 2; as Hugging Face's `MistralForCausalLM`. Llama, but
 * every layer sees only the last `slidingWindow` positions.
 */
import type { Architecture } from '../model/types';
import type { RotaryTable } from '../nn/rotaryEmbedding';
import { defineDecoder } from './decoder';
import { checkWindow } from './layerTypes';
import { llamaBlock, llamaParts } from './llama';
import type { LlamaLayer } from './llama';
import { configureRotaryDecoder, llamaDefaults } from './rotaryDecoderConfig';
import type { RotaryDecoderConfig, RotaryDecoderDefaults } from './rotaryDecoderConfig';
import { rotaryDecoderParameters } from './rotaryDecoderParameters';

/** The Mistral form; beside each field its name in config.json. */
export interface MistralConfig extends RotaryDecoderConfig {
  /** `sliding_window`: how many keys a query sees, its own among them; all when null. */
  readonly slidingWindow: number | null;
}

const defaults: RotaryDecoderDefaults<MistralConfig> = {
  ...llamaDefaults,
  intermediateSize: 14336,
  maxPositionEmbeddings: 131072,
  slidingWindow: 4096,
};

/**
 * The Mistral form of the decoder-only transformer: Llama with a sliding window.
 *
 * @example
 * ```ts
 * import { createModel, countParameters, mistral, selectBackend } from '@tesserae/core';
 *
 * await selectBackend({ prefer: 'cpu', log: false });
 * const size = { vocabSize: 10, hiddenSize: 8, intermediateSize: 16, numHiddenLayers: 1, numAttentionHeads: 2 };
 * const model = createModel(mistral, { ...size, slidingWindow: 4 });
 * console.log(countParameters(model)); // → 824
 * ```
 */
export const mistral: Architecture<MistralConfig> = /* @__PURE__ */ defineDecoder<
  MistralConfig,
  LlamaLayer,
  RotaryTable
>({
  ...llamaParts,
  name: 'mistral',
  configure(given) {
    const config = configureRotaryDecoder('mistral', defaults, given);
    checkWindow('mistral', config.slidingWindow);
    return config;
  },
  parameters: (config) => rotaryDecoderParameters(config),
  block: (x, weights, layer) => llamaBlock(x, weights, layer, { window: layer.config.slidingWindow }),
});

/**
 * The text model of Gemma 3. Gemma Team: "Gemma 3 Technical Report" (2025), section 2; as Hugging Face's
 * `Gemma3ForCausalLM`. Gemma 2, but with norms of query and key heads in place of soft caps, five sliding layers to each
 * full one, and a rotary base of their own for the sliding ones.
 */
import type { Architecture } from '../model/types';
import type { RotaryTable } from '../nn/rotaryEmbedding';
import { requireRange } from './checkConfig';
import { defineDecoder } from './decoder';
import { gemmaParts } from './gemma';
import { capLogits, checkGemma2, gemma2Block, gemma2Defaults, gemma2Norms } from './gemma2';
import type { Gemma2Config, Gemma2Layer } from './gemma2';
import { completeLayerTypes, windowOf } from './layerTypes';
import type { LayerType } from './layerTypes';
import { configureRotaryDecoder } from './rotaryDecoderConfig';
import type { RotaryDecoderDefaults } from './rotaryDecoderConfig';
import { rotaryDecoderParameters } from './rotaryDecoderParameters';
import { checkRopeScaling, scaledRotaryTable } from './ropeScaling';
import type { RopeScaling } from './ropeScaling';

/**
 * The Gemma 3 form; beside each field its name in config.json. As in Hugging Face's class, `attentionSoftcap` is kept and
 * has no effect; `ropeTheta` and `ropeScaling` are those of the full layers.
 */
export interface Gemma3Config extends Gemma2Config {
  /** `rope_local_base_freq`: the rotary base of sliding layers. */
  readonly localRopeTheta: number;
  /** The scaling of sliding layers; only `rope_parameters` can have it. */
  readonly localRopeScaling: RopeScaling | null;
  /** `use_bidirectional_attention`: queries see what comes after them too; the window then reaches half as far each way. */
  readonly useBidirectionalAttention: boolean;
}

const defaults: Omit<RotaryDecoderDefaults<Gemma3Config>, 'layerTypes'> = {
  ...gemma2Defaults,
  vocabSize: 262208,
  maxPositionEmbeddings: 131072,
  ropeTheta: 1_000_000,
  localRopeTheta: 10_000,
  localRopeScaling: null,
  attentionSoftcap: null,
  finalSoftcap: null,
  useBidirectionalAttention: false,
};

/** How far a layer's queries see; both ways the window is halved, its own position counting once. */
function reach(config: Gemma3Config, index: number): number | null {
  const window = windowOf(config, index);
  return window !== null && config.useBidirectionalAttention ? Math.floor(window / 2) + 1 : window;
}

/**
 * The Gemma 3 form of the decoder-only transformer, text alone.
 *
 * @example
 * ```ts
 * import { createModel, countParameters, gemma3, selectBackend } from '@tesserae/core';
 *
 * await selectBackend({ prefer: 'cpu', log: false });
 * const size = { vocabSize: 10, hiddenSize: 8, intermediateSize: 16, numHiddenLayers: 1, numAttentionHeads: 2, numKeyValueHeads: 1 };
 * console.log(countParameters(createModel(gemma3, size))); // → 704
 * ```
 */
export const gemma3: Architecture<Gemma3Config> = /* @__PURE__ */ defineDecoder<
  Gemma3Config,
  Gemma2Layer,
  Record<LayerType, RotaryTable>
>({
  ...gemmaParts,
  name: 'gemma3_text',
  heads: ['causal-lm', 'sequence-classification', 'none'],
  configure(given) {
    const config = configureRotaryDecoder<Gemma3Config>('gemma3_text', defaults as Gemma3Config, given, ['layerTypes']);
    checkGemma2('gemma3_text', config);
    requireRange('gemma3_text', config, ['localRopeTheta'], Number.MIN_VALUE, Infinity);
    checkRopeScaling('gemma3_text', config.localRopeScaling, config.headDim);
    return completeLayerTypes('gemma3_text', config, (i) => ((i + 1) % 6 ? 'sliding_attention' : 'full_attention'));
  },
  parameters: (config) =>
    rotaryDecoderParameters(config, {
      queryKeyValueBias: config.attentionBias,
      outputBias: config.attentionBias,
      headNorms: true,
      norms: 'zeros',
      layerNorms: gemma2Norms,
    }),
  prepare({ context, config }) {
    const local = { ...config, ropeTheta: config.localRopeTheta, ropeScaling: config.localRopeScaling };
    return {
      full_attention: scaledRotaryTable(context.positions, config),
      sliding_attention: scaledRotaryTable(context.positions, local),
    };
  },
  block(x, weights, layer) {
    const { config, shared, index } = layer;
    const rotary = shared[config.layerTypes[index]];
    const causal = !config.useBidirectionalAttention;
    return gemma2Block(x, weights, layer, { rotary, causal, window: reach(config, index) });
  },
  finishLogits: capLogits,
});

import type { ParameterSpec } from '../model/types';
import { parameterSpecs } from './blocks/parameterSpecs';
import type { SpecMaker } from './blocks/parameterSpecs';
import type { RotaryDecoderConfig } from './rotaryDecoderConfig';

/** What differs between the parameters of Llama-like decoders. */
export interface RotaryDecoderVariant {
  /** Whether the projections to queries, keys and values have biases; false when absent. */
  readonly queryKeyValueBias?: boolean | undefined;
  /** Whether the attention's output has one. */
  readonly outputBias?: boolean | undefined;
  /** Whether the feed-forward layer's three have. */
  readonly feedForwardBias?: boolean | undefined;
  /** Norms of query and key heads. */
  readonly headNorms?: boolean | undefined;
  /** How norms start: `zeros` where the stored weight stands for 1 + weight; ones when absent. */
  readonly norms?: 'ones' | 'zeros' | undefined;
  /** Norms of the layer: path and checkpoint name; Llama's two when absent. */
  readonly layerNorms?: Readonly<Record<string, string>> | undefined;
  /** The feed-forward layer, in place of gate, up and down. */
  readonly feedForward?: ((at: string, name: string, make: SpecMaker) => ParameterSpec[]) | undefined;
  /** What the body is called in checkpoints for question answering, where not `model.`. */
  readonly questionAnsweringPrefix?: string | undefined;
}

const llamaNorms = { attentionNorm: 'input_layernorm', feedForwardNorm: 'post_attention_layernorm' };

/**
 * Every weight of a Llama-like decoder's body with its name in a Hugging Face checkpoint; all matrices start alike.
 *
 * @param config sizes
 * @param variant biases, norms, another feed-forward layer
 * @returns the specs, in the order of the forward pass (but the layer's own norms in the order given)
 * @example
 * ```ts
 * import { configureRotaryDecoder, llamaDefaults, rotaryDecoderParameters } from '@tesserae/core';
 *
 * const config = configureRotaryDecoder('mine', llamaDefaults, { hiddenSize: 8, numAttentionHeads: 2, numHiddenLayers: 1 });
 * const names = rotaryDecoderParameters(config, { queryKeyValueBias: true }).map(({ checkpointName }) => checkpointName);
 * console.log(names[3]); // → model.layers.0.self_attn.q_proj.bias
 * ```
 */
export function rotaryDecoderParameters(
  config: RotaryDecoderConfig,
  variant: RotaryDecoderVariant = {},
): ParameterSpec[] {
  const { vocabSize: V, hiddenSize: D, intermediateSize: F, headDim: E, initializerRange } = config;
  const [Q, K] = [config.numAttentionHeads * E, config.numKeyValueHeads * E];
  const { queryKeyValueBias = false, outputBias = false, feedForwardBias = false, layerNorms = llamaNorms } = variant;
  const prefix = config.head === 'question-answering' ? (variant.questionAnsweringPrefix ?? 'model.') : 'model.';
  const make = parameterSpecs(initializerRange);
  const gated = (at: string, name: string): ParameterSpec[] => [
    ...make.projection(`${at}.feedForward.gate`, `${name}.mlp.gate_proj`, [F, D], feedForwardBias),
    ...make.projection(`${at}.feedForward.up`, `${name}.mlp.up_proj`, [F, D], feedForwardBias),
    ...make.projection(`${at}.feedForward.down`, `${name}.mlp.down_proj`, [D, F], feedForwardBias),
  ];
  const layer = (index: number): ParameterSpec[] => {
    const [at, name] = [`layers.${index}`, `${prefix}layers.${index}`];
    const [first, ...others] = Object.entries(layerNorms).map(([path, own]) =>
      make.norm(`${at}.${path}`, `${name}.${own}`, D, variant.norms),
    );
    return [
      first,
      ...make.projection(`${at}.attention.query`, `${name}.self_attn.q_proj`, [Q, D], queryKeyValueBias),
      ...make.projection(`${at}.attention.key`, `${name}.self_attn.k_proj`, [K, D], queryKeyValueBias),
      ...make.projection(`${at}.attention.value`, `${name}.self_attn.v_proj`, [K, D], queryKeyValueBias),
      ...(variant.headNorms
        ? [
            make.norm(`${at}.attention.queryNorm`, `${name}.self_attn.q_norm`, E, variant.norms),
            make.norm(`${at}.attention.keyNorm`, `${name}.self_attn.k_norm`, E, variant.norms),
          ]
        : []),
      ...make.projection(`${at}.attention.output`, `${name}.self_attn.o_proj`, [D, Q], outputBias),
      ...others,
      ...(variant.feedForward?.(at, name, make) ?? gated(at, name)),
    ];
  };
  return [
    make.matrix('tokenEmbedding', `${prefix}embed_tokens`, [V, D]),
    ...Array.from({ length: config.numHiddenLayers }, (_, index) => layer(index)).flat(),
    make.norm('finalNorm', `${prefix}norm`, D, variant.norms),
  ];
}

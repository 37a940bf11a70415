import { activation } from '../nn/activation';
import { completeConfig, configError, requireCounts, requireRange } from './checkConfig';
import type { DecoderHeadConfig } from './heads/decoderHead';
import { checkRopeScaling } from './ropeScaling';
import type { RopeScaling } from './ropeScaling';

/** What all decoders with rotary positions and grouped heads have; beside each field its name in config.json. */
export interface RotaryDecoderConfig extends DecoderHeadConfig {
  /** `vocab_size` */
  readonly vocabSize: number;
  /** `hidden_size` */
  readonly hiddenSize: number;
  /** `intermediate_size` */
  readonly intermediateSize: number;
  /** `num_hidden_layers` */
  readonly numHiddenLayers: number;
  /** `num_attention_heads` */
  readonly numAttentionHeads: number;
  /** `num_key_value_heads`; as many as `numAttentionHeads` when left out. */
  readonly numKeyValueHeads: number;
  /** `head_dim`; `hiddenSize / numAttentionHeads` when left out. */
  readonly headDim: number;
  /** `max_position_embeddings` */
  readonly maxPositionEmbeddings: number;
  /** `hidden_act` (Gemma 2 and 3: `hidden_activation`) */
  readonly hiddenAct: string;
  /** `rms_norm_eps` */
  readonly rmsNormEpsilon: number;
  /** `rope_theta` */
  readonly ropeTheta: number;
  /** `rope_scaling` */
  readonly ropeScaling: RopeScaling | null;
  /** `attention_dropout` */
  readonly attentionDropout: number;
  /** `initializer_range` */
  readonly initializerRange: number;
  /** `tie_word_embeddings` */
  readonly tieWordEmbeddings: boolean;
}

/** What a config is laid over; key/value heads and head width follow from the others. */
export type RotaryDecoderDefaults<C extends RotaryDecoderConfig = RotaryDecoderConfig> = Omit<
  C,
  'numKeyValueHeads' | 'headDim'
>;

/** The defaults of Hugging Face's `LlamaConfig`; the other families name what differs. */
export const llamaDefaults: RotaryDecoderDefaults = {
  vocabSize: 32000,
  hiddenSize: 4096,
  intermediateSize: 11008,
  numHiddenLayers: 32,
  numAttentionHeads: 32,
  maxPositionEmbeddings: 2048,
  hiddenAct: 'silu',
  rmsNormEpsilon: 1e-6,
  ropeTheta: 10000,
  ropeScaling: null,
  attentionDropout: 0,
  initializerRange: 0.02,
  tieWordEmbeddings: false,
  bosTokenId: null,
  eosTokenId: null,
  padTokenId: null,
};

/**
 * Completes and checks a config with rotary positions and grouped heads.
 *
 * @param name the architecture, for messages
 * @param defaults what is left out
 * @param given what is told; unknown fields are refused
 * @param optional further fields that have no default
 * @returns the config, with `numKeyValueHeads` and `headDim` filled in
 * @throws E_CONFIG on an unknown or impossible field; E_ACTIVATION on an unknown activation
 * @example
 * ```ts
 * import { configureRotaryDecoder, llamaDefaults } from '@tesserae/core';
 *
 * const config = configureRotaryDecoder('mine', llamaDefaults, { hiddenSize: 64, numAttentionHeads: 4 });
 * console.log(config.headDim, config.numKeyValueHeads); // → 16 4
 * ```
 */
export function configureRotaryDecoder<C extends RotaryDecoderConfig>(
  name: string,
  defaults: RotaryDecoderDefaults<C>,
  given: Partial<C>,
  optional: readonly string[] = [],
): C {
  const laid = completeConfig(name, defaults as unknown as C, given, ['numKeyValueHeads', 'headDim', ...optional]);
  requireCounts(name, laid, ['vocabSize', 'hiddenSize', 'intermediateSize', 'numHiddenLayers', 'numAttentionHeads']);
  requireCounts(name, laid, ['maxPositionEmbeddings']);
  const { hiddenSize, numAttentionHeads: heads } = laid;
  if ((laid.headDim ?? null) === null && hiddenSize % heads !== 0) {
    throw configError(
      name,
      `${heads} heads do not divide the width ${hiddenSize}`,
      `use a width that is a multiple of ${heads}, or give headDim`,
    );
  }
  const config = {
    ...laid,
    numKeyValueHeads: laid.numKeyValueHeads ?? heads,
    headDim: laid.headDim ?? hiddenSize / heads,
  };
  requireCounts(name, config, ['numKeyValueHeads', 'headDim']);
  if (heads % config.numKeyValueHeads !== 0) {
    throw configError(
      name,
      `${heads} query heads cannot share ${config.numKeyValueHeads} key/value heads evenly`,
      `use a divisor of ${heads}`,
    );
  }
  if (config.headDim % 2 !== 0)
    throw configError(name, `headDim is ${config.headDim}`, 'rotary embeddings need an even head width');
  requireRange(name, config, ['attentionDropout'], 0, 1);
  requireRange(name, config, ['rmsNormEpsilon', 'initializerRange'], 0, Infinity);
  requireRange(name, config, ['ropeTheta'], Number.MIN_VALUE, Infinity);
  activation(config.hiddenAct);
  checkRopeScaling(name, config.ropeScaling, config.headDim);
  return config;
}

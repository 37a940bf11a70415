import { activation } from '../nn/activation';
import { completeConfig, configError, requireCounts, requireRange } from './checkConfig';
import type { DecoderHeadConfig } from './heads/decoderHead';
import { checkRopeScaling } from './ropeScaling';
import type { RopeScaling } from './ropeScaling';

/** The GPT-NeoX form; beside each field its name in config.json. */
export interface GptNeoxConfig extends DecoderHeadConfig {
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
  /** `max_position_embeddings` */
  readonly maxPositionEmbeddings: number;
  /** `hidden_act` */
  readonly hiddenAct: string;
  /** `rotary_pct` (`partial_rotary_factor`): the share of each head's features that rotary embeddings turn. */
  readonly rotaryFraction: number;
  /** `rotary_emb_base` (`rope_theta`) */
  readonly ropeTheta: number;
  /** `rope_scaling` */
  readonly ropeScaling: RopeScaling | null;
  /** `attention_dropout` */
  readonly attentionDropout: number;
  /** `hidden_dropout` */
  readonly hiddenDropout: number;
  /** `layer_norm_eps` */
  readonly layerNormEpsilon: number;
  /** `initializer_range` */
  readonly initializerRange: number;
  /** `attention_bias` */
  readonly attentionBias: boolean;
  /** `use_parallel_residual`: attention and feed-forward layer read the same input. */
  readonly useParallelResidual: boolean;
  /** `tie_word_embeddings` */
  readonly tieWordEmbeddings: boolean;
}

const defaults: GptNeoxConfig = {
  vocabSize: 50432,
  hiddenSize: 6144,
  intermediateSize: 24576,
  numHiddenLayers: 44,
  numAttentionHeads: 64,
  maxPositionEmbeddings: 2048,
  hiddenAct: 'gelu',
  rotaryFraction: 0.25,
  ropeTheta: 10000,
  ropeScaling: null,
  attentionDropout: 0,
  hiddenDropout: 0,
  layerNormEpsilon: 1e-5,
  initializerRange: 0.02,
  attentionBias: true,
  useParallelResidual: true,
  tieWordEmbeddings: false,
  bosTokenId: null,
  eosTokenId: null,
  padTokenId: null,
};

/** Completes and checks a config of the GPT-NeoX form. */
export function configureGptNeox(given: Partial<GptNeoxConfig>): GptNeoxConfig {
  const config = completeConfig('gpt_neox', defaults, given);
  requireCounts('gpt_neox', config, [
    'vocabSize',
    'hiddenSize',
    'intermediateSize',
    'numHiddenLayers',
    'numAttentionHeads',
    'maxPositionEmbeddings',
  ]);
  requireRange('gpt_neox', config, ['attentionDropout', 'hiddenDropout'], 0, 1);
  requireRange('gpt_neox', config, ['layerNormEpsilon', 'initializerRange'], 0, Infinity);
  requireRange('gpt_neox', config, ['ropeTheta'], Number.MIN_VALUE, Infinity);
  const { hiddenSize, numAttentionHeads: heads, rotaryFraction } = config;
  if (hiddenSize % heads !== 0) {
    throw configError(
      'gpt_neox',
      `${heads} heads do not divide the width ${hiddenSize}`,
      `use a width that is a multiple of ${heads}`,
    );
  }
  const headDim = hiddenSize / heads;
  const turned = Math.floor(headDim * rotaryFraction); // rounded up to pairs when it is odd
  if (!(turned >= 1 && 2 * Math.ceil(turned / 2) <= headDim)) {
    throw configError(
      'gpt_neox',
      `rotaryFraction is ${String(rotaryFraction)}: of ${headDim} features a head it turns ${turned}`,
      'use a share up to 1 that leaves one pair of features or more',
    );
  }
  activation(config.hiddenAct);
  checkRopeScaling('gpt_neox', config.ropeScaling, turned);
  return config;
}

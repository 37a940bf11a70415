import type { ArchitectureConfig } from '../model/types';
import { activation } from '../nn/activation';
import { completeConfig, configError, requireCounts, requireRange } from './checkConfig';
import { checkRopeScaling } from './ropeScaling';
import type { RopeScaling } from './ropeScaling';

/** The Llama form; beside each field its name in config.json. */
export interface LlamaConfig extends ArchitectureConfig {
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
  /** `hidden_act` */
  readonly hiddenAct: string;
  /** `rms_norm_eps` */
  readonly rmsNormEpsilon: number;
  /** `rope_theta` */
  readonly ropeTheta: number;
  /** `rope_scaling` */
  readonly ropeScaling: RopeScaling | null;
  /** `attention_bias` */
  readonly attentionBias: boolean;
  /** `mlp_bias` */
  readonly mlpBias: boolean;
  /** `attention_dropout` */
  readonly attentionDropout: number;
  /** `initializer_range` */
  readonly initializerRange: number;
  /** `tie_word_embeddings` */
  readonly tieWordEmbeddings: boolean;
}

const defaults = {
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
  attentionBias: false,
  mlpBias: false,
  attentionDropout: 0,
  initializerRange: 0.02,
  tieWordEmbeddings: false,
  bosTokenId: null,
  eosTokenId: null,
  padTokenId: null,
};

/** Completes and checks a config of the Llama form. */
export function configureLlama(given: Partial<LlamaConfig>): LlamaConfig {
  const laid = completeConfig('llama', defaults as unknown as LlamaConfig, given, ['numKeyValueHeads', 'headDim']);
  requireCounts('llama', laid, [
    'vocabSize',
    'hiddenSize',
    'intermediateSize',
    'numHiddenLayers',
    'numAttentionHeads',
    'maxPositionEmbeddings',
  ]);
  const { hiddenSize, numAttentionHeads: heads } = laid;
  if ((laid.headDim ?? null) === null && hiddenSize % heads !== 0) {
    throw configError(
      'llama',
      `${heads} heads do not divide the width ${hiddenSize}`,
      `use a width that is a multiple of ${heads}, or give headDim`,
    );
  }
  const config = {
    ...laid,
    numKeyValueHeads: laid.numKeyValueHeads ?? heads,
    headDim: laid.headDim ?? hiddenSize / heads,
  };
  requireCounts('llama', config, ['numKeyValueHeads', 'headDim']);
  if (heads % config.numKeyValueHeads !== 0) {
    throw configError(
      'llama',
      `${heads} query heads cannot share ${config.numKeyValueHeads} key/value heads evenly`,
      `use a divisor of ${heads}`,
    );
  }
  if (config.headDim % 2 !== 0)
    throw configError('llama', `headDim is ${config.headDim}`, 'rotary embeddings need an even head width');
  requireRange('llama', config, ['attentionDropout'], 0, 1);
  requireRange('llama', config, ['rmsNormEpsilon', 'initializerRange'], 0, Infinity);
  requireRange('llama', config, ['ropeTheta'], Number.MIN_VALUE, Infinity);
  activation(config.hiddenAct);
  checkRopeScaling('llama', config.ropeScaling, config.headDim);
  return config;
}

import { activation } from '../nn/activation';
import { completeConfig, configError, requireCounts, requireRange } from './checkConfig';
import type { DecoderHeadConfig } from './heads/decoderHead';

/** The GPT-2 form; beside each field its name in config.json. */
export interface Gpt2Config extends DecoderHeadConfig {
  /** `vocab_size` */
  readonly vocabSize: number;
  /** `n_embd` */
  readonly hiddenSize: number;
  /** `n_layer` */
  readonly numHiddenLayers: number;
  /** `n_head` */
  readonly numAttentionHeads: number;
  /** `n_positions` */
  readonly maxPositionEmbeddings: number;
  /** `n_inner`; four times the width when null. */
  readonly intermediateSize: number | null;
  /** `activation_function` */
  readonly hiddenAct: string;
  /** `resid_pdrop` */
  readonly residualDropout: number;
  /** `embd_pdrop` */
  readonly embeddingDropout: number;
  /** `attn_pdrop` */
  readonly attentionDropout: number;
  /** `layer_norm_epsilon` */
  readonly layerNormEpsilon: number;
  /** `initializer_range` */
  readonly initializerRange: number;
  /** `scale_attn_weights`: scores divided by √E. */
  readonly scaleAttentionWeights: boolean;
  /** `scale_attn_by_inverse_layer_idx`: scores divided by the layer's number, from 1, too. */
  readonly scaleAttentionByInverseLayerIndex: boolean;
  /** `reorder_and_upcast_attn`: the same numbers in float32. */
  readonly reorderAndUpcastAttention: boolean;
  /** `tie_word_embeddings`: the output uses the token embedding. */
  readonly tieWordEmbeddings: boolean;
}

const defaults: Gpt2Config = {
  vocabSize: 50257,
  hiddenSize: 768,
  numHiddenLayers: 12,
  numAttentionHeads: 12,
  maxPositionEmbeddings: 1024,
  intermediateSize: null,
  hiddenAct: 'gelu_new',
  residualDropout: 0.1,
  embeddingDropout: 0.1,
  attentionDropout: 0.1,
  layerNormEpsilon: 1e-5,
  initializerRange: 0.02,
  scaleAttentionWeights: true,
  scaleAttentionByInverseLayerIndex: false,
  reorderAndUpcastAttention: false,
  tieWordEmbeddings: true,
  bosTokenId: null,
  eosTokenId: null,
  padTokenId: null,
};

/** Completes and checks a config of the GPT-2 form. */
export function configureGpt2(given: Partial<Gpt2Config>): Gpt2Config {
  const config = completeConfig('gpt2', defaults, given);
  requireCounts('gpt2', config, [
    'vocabSize',
    'hiddenSize',
    'numHiddenLayers',
    'numAttentionHeads',
    'maxPositionEmbeddings',
  ]);
  if (config.intermediateSize !== null) requireCounts('gpt2', config, ['intermediateSize']);
  requireRange('gpt2', config, ['residualDropout', 'embeddingDropout', 'attentionDropout'], 0, 1);
  requireRange('gpt2', config, ['layerNormEpsilon', 'initializerRange'], 0, Infinity);
  if (config.hiddenSize % config.numAttentionHeads !== 0) {
    throw configError(
      'gpt2',
      `${config.numAttentionHeads} heads do not divide the width ${config.hiddenSize}`,
      `use a width that is a multiple of ${config.numAttentionHeads}`,
    );
  }
  activation(config.hiddenAct);
  return config;
}

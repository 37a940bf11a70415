import { completeConfig, requireCounts, requireRange } from './checkConfig';
import { checkEncoder, encoderHeads } from './stacks/encoderParameters';
import type { EncoderConfig } from './stacks/encoderParameters';
import { headDefaults } from './stacks/heads';

/** The BERT form; beside each field its name in config.json. */
export interface BertConfig extends EncoderConfig {
  /** `vocab_size` */
  readonly vocabSize: number;
  /** `hidden_size` */
  readonly hiddenSize: number;
  /** `num_hidden_layers` */
  readonly numHiddenLayers: number;
  /** `num_attention_heads` */
  readonly numAttentionHeads: number;
  /** `max_position_embeddings` */
  readonly maxPositionEmbeddings: number;
  /** `hidden_dropout_prob` */
  readonly hiddenDropout: number;
  /** `attention_probs_dropout_prob` */
  readonly attentionDropout: number;
  /** `classifier_dropout`; `hiddenDropout` when null. */
  readonly classifierDropout: number | null;
  /** `layer_norm_eps` */
  readonly layerNormEpsilon: number;
}

export const bertDefaults: BertConfig = {
  vocabSize: 30522,
  hiddenSize: 768,
  numHiddenLayers: 12,
  numAttentionHeads: 12,
  intermediateSize: 3072,
  hiddenAct: 'gelu',
  hiddenDropout: 0.1,
  attentionDropout: 0.1,
  classifierDropout: null,
  maxPositionEmbeddings: 512,
  typeVocabSize: 2,
  initializerRange: 0.02,
  layerNormEpsilon: 1e-12,
  isDecoder: false,
  pooler: true,
  tieWordEmbeddings: true,
  bosTokenId: null,
  eosTokenId: null,
  padTokenId: 0,
  ...headDefaults('masked-lm'),
};

/** Completes and checks a config of the BERT form, or of one with the same fields. */
export function configureBert(
  given: Partial<BertConfig>,
  name = 'bert',
  defaults: BertConfig = bertDefaults,
): BertConfig {
  const config = completeConfig(name, defaults, given);
  requireCounts(name, config, ['typeVocabSize']);
  requireRange(name, config, ['hiddenDropout', 'attentionDropout'], 0, 1);
  if (config.classifierDropout !== null) requireRange(name, config, ['classifierDropout'], 0, 1);
  requireRange(name, config, ['layerNormEpsilon'], 0, Infinity);
  checkEncoder(name, config, [...encoderHeads, 'causal-lm']);
  return config;
}

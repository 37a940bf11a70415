import { completeConfig, requireRange } from './checkConfig';
import { checkEncoder, encoderHeads } from './stacks/encoderParameters';
import type { EncoderConfig } from './stacks/encoderParameters';
import { headDefaults } from './stacks/heads';

/** The DistilBERT form; beside each field its name in config.json. */
export interface DistilbertConfig extends EncoderConfig {
  /** `vocab_size` */
  readonly vocabSize: number;
  /** `dim` */
  readonly hiddenSize: number;
  /** `n_layers` */
  readonly numHiddenLayers: number;
  /** `n_heads` */
  readonly numAttentionHeads: number;
  /** `hidden_dim` */
  readonly intermediateSize: number;
  /** `activation` */
  readonly hiddenAct: string;
  /** `max_position_embeddings` */
  readonly maxPositionEmbeddings: number;
  /** `sinusoidal_pos_embds`: the position table is fixed. */
  readonly sinusoidalPositions: boolean;
  /** `dropout` */
  readonly hiddenDropout: number;
  /** `attention_dropout` */
  readonly attentionDropout: number;
  /** `seq_classif_dropout` */
  readonly classifierDropout: number;
  /** `qa_dropout` */
  readonly questionDropout: number;
  /** There are no segments. */
  readonly typeVocabSize: 0;
  /** There is no pooler. */
  readonly pooler: false;
  /** It always looks both ways. */
  readonly isDecoder: false;
}

const defaults: DistilbertConfig = {
  vocabSize: 30522,
  hiddenSize: 768,
  numHiddenLayers: 6,
  numAttentionHeads: 12,
  intermediateSize: 3072,
  hiddenAct: 'gelu',
  maxPositionEmbeddings: 512,
  sinusoidalPositions: false,
  hiddenDropout: 0.1,
  attentionDropout: 0.1,
  classifierDropout: 0.2,
  questionDropout: 0.1,
  initializerRange: 0.02,
  tieWordEmbeddings: true,
  typeVocabSize: 0,
  pooler: false,
  isDecoder: false,
  bosTokenId: null,
  eosTokenId: null,
  padTokenId: 0,
  ...headDefaults('masked-lm'),
};

/** Completes and checks a config of the DistilBERT form. */
export function configureDistilbert(given: Partial<DistilbertConfig>): DistilbertConfig {
  const config = completeConfig('distilbert', defaults, given);
  const fixed = { typeVocabSize: 0, pooler: false, isDecoder: false } as const;
  requireRange(
    'distilbert',
    config,
    ['hiddenDropout', 'attentionDropout', 'classifierDropout', 'questionDropout'],
    0,
    1,
  );
  checkEncoder('distilbert', config, encoderHeads);
  return { ...config, ...fixed };
}

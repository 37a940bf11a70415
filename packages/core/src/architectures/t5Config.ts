import type { ModelHead } from '../model/types';
import { activation } from '../nn/activation';
import { relativePositionBuckets } from '../nn/relativePositionBias';
import { completeConfig, configError, requireCounts, requireRange } from './checkConfig';
import type { EncoderDecoderConfig } from './stacks/encoderDecoder';
import { checkHead, headDefaults } from './stacks/heads';

/** The T5 form; beside each field its name in config.json. */
export interface T5Config extends EncoderDecoderConfig {
  /** `vocab_size` */
  readonly vocabSize: number;
  /** `d_model` */
  readonly hiddenSize: number;
  /** `num_layers`: layers of the encoder. */
  readonly numHiddenLayers: number;
  /** `num_decoder_layers`; as many as the encoder has when null. */
  readonly numDecoderLayers: number | null;
  /** `num_heads` */
  readonly numAttentionHeads: number;
  /** `d_kv`: features per head. Heads times this need not be the width. */
  readonly headDim: number;
  /** `d_ff` */
  readonly intermediateSize: number;
  /** The name of the activation in the feed-forward layer: `dense_act_fn`, or the end of `feed_forward_proj`. */
  readonly hiddenAct: string;
  /** Whether a second matrix gates it: `feed_forward_proj` begins with `gated-`. */
  readonly gatedFeedForward: boolean;
  /** `relative_attention_num_buckets` */
  readonly relativeAttentionBuckets: number;
  /** `relative_attention_max_distance` */
  readonly relativeAttentionMaxDistance: number;
  /** `n_positions`: the lengths it was trained with. Positions are relative, so longer texts are possible. */
  readonly maxPositionEmbeddings: number;
  /** `dropout_rate` */
  readonly dropout: number;
  /** `classifier_dropout` */
  readonly classifierDropout: number;
  /** `layer_norm_epsilon` */
  readonly layerNormEpsilon: number;
  /** `initializer_factor` */
  readonly initializerFactor: number;
  /** `tie_word_embeddings`: the output uses the token embedding. */
  readonly tieWordEmbeddings: boolean;
  /** `scale_decoder_outputs`: divides by √D before the output; where the output is tied when null. */
  readonly scaleDecoderOutputs: boolean | null;
  /** The encoder alone (`T5EncoderModel`): hidden states of the text, no decoder. Needs head `none`. */
  readonly encoderOnly: boolean;
}

const defaults: T5Config = {
  vocabSize: 32128,
  hiddenSize: 512,
  numHiddenLayers: 6,
  numDecoderLayers: null,
  numAttentionHeads: 8,
  headDim: 64,
  intermediateSize: 2048,
  hiddenAct: 'relu',
  gatedFeedForward: false,
  relativeAttentionBuckets: 32,
  relativeAttentionMaxDistance: 128,
  maxPositionEmbeddings: 512,
  dropout: 0.1,
  classifierDropout: 0,
  layerNormEpsilon: 1e-6,
  initializerFactor: 1,
  tieWordEmbeddings: true,
  scaleDecoderOutputs: null,
  encoderOnly: false,
  bosTokenId: null,
  eosTokenId: 1,
  padTokenId: 0,
  decoderStartTokenId: 0,
  ...headDefaults('sequence-to-sequence'),
};

const heads: readonly ModelHead[] = [
  'sequence-to-sequence',
  'sequence-classification',
  'token-classification',
  'question-answering',
  'none',
];

/** Completes and checks a config of the T5 form. */
export function configureT5(given: Partial<T5Config>): T5Config {
  const config = completeConfig('t5', defaults, given);
  const counts = ['vocabSize', 'hiddenSize', 'numHiddenLayers', 'numAttentionHeads', 'headDim', 'intermediateSize'];
  requireCounts('t5', config, counts as (keyof T5Config & string)[]);
  requireCounts('t5', config, ['relativeAttentionBuckets', 'relativeAttentionMaxDistance', 'maxPositionEmbeddings']);
  if (config.numDecoderLayers !== null) requireCounts('t5', config, ['numDecoderLayers']);
  requireRange('t5', config, ['dropout', 'classifierDropout'], 0, 1);
  requireRange('t5', config, ['layerNormEpsilon', 'initializerFactor'], 0, Infinity);
  checkHead('t5', config, heads);
  if (config.encoderOnly && config.head !== 'none')
    throw configError('t5', `encoderOnly with the head '${config.head}'`, "use the head 'none'");
  activation(config.hiddenAct);
  const { relativeAttentionBuckets: buckets, relativeAttentionMaxDistance: maxDistance } = config;
  for (const bidirectional of [true, false]) relativePositionBuckets({ buckets, maxDistance, bidirectional });
  return config;
}

/** Layers of the decoder: none where the head reads the encoder alone. */
export function t5DecoderLayers({ head, encoderOnly, numDecoderLayers, numHiddenLayers }: T5Config): number {
  return encoderOnly || head === 'token-classification' ? 0 : (numDecoderLayers ?? numHiddenLayers);
}

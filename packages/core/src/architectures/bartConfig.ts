import type { ModelHead } from '../model/types';
import { activation } from '../nn/activation';
import { completeConfig, configError, requireCounts, requireRange } from './checkConfig';
import type { EncoderDecoderConfig } from './stacks/encoderDecoder';
import { checkHead, headDefaults } from './stacks/heads';

/** The BART form; beside each field its name in config.json. */
export interface BartConfig extends EncoderDecoderConfig {
  /** `vocab_size` */
  readonly vocabSize: number;
  /** `d_model` */
  readonly hiddenSize: number;
  /** `encoder_layers` */
  readonly numHiddenLayers: number;
  /** `decoder_layers` */
  readonly numDecoderLayers: number;
  /** `encoder_attention_heads` */
  readonly numAttentionHeads: number;
  /** `decoder_attention_heads` */
  readonly numDecoderAttentionHeads: number;
  /** `encoder_ffn_dim` */
  readonly intermediateSize: number;
  /** `decoder_ffn_dim` */
  readonly decoderIntermediateSize: number;
  /** `activation_function` */
  readonly hiddenAct: string;
  /** `max_position_embeddings` */
  readonly maxPositionEmbeddings: number;
  /** `dropout` */
  readonly dropout: number;
  /** `attention_dropout` */
  readonly attentionDropout: number;
  /** `activation_dropout` */
  readonly activationDropout: number;
  /** `classifier_dropout` */
  readonly classifierDropout: number;
  /** `scale_embedding`: token embeddings times √D. */
  readonly scaleEmbedding: boolean;
  /** `init_std` */
  readonly initializerRange: number;
  /** `tie_word_embeddings`: the output uses the token embedding. */
  readonly tieWordEmbeddings: boolean;
  /** `share_encoder_decoder_embeddings`: encoder and decoder use one token embedding. */
  readonly shareEmbeddings: boolean;
  /** `decoder_vocab_size`; `vocabSize` where embeddings are shared. */
  readonly decoderVocabSize: number | null;
  /** `forced_eos_token_id`: what generation ends with at its last position. */
  readonly forcedEosTokenId: number | readonly number[] | null;
  /** `forced_bos_token_id`: what generation begins with after the start token. */
  readonly forcedBosTokenId: number | null;
}

export const bartDefaults: BartConfig = {
  vocabSize: 50265,
  hiddenSize: 1024,
  numHiddenLayers: 12,
  numDecoderLayers: 12,
  numAttentionHeads: 16,
  numDecoderAttentionHeads: 16,
  intermediateSize: 4096,
  decoderIntermediateSize: 4096,
  hiddenAct: 'gelu',
  maxPositionEmbeddings: 1024,
  dropout: 0.1,
  attentionDropout: 0,
  activationDropout: 0,
  classifierDropout: 0,
  scaleEmbedding: false,
  initializerRange: 0.02,
  tieWordEmbeddings: true,
  shareEmbeddings: true,
  decoderVocabSize: null,
  forcedEosTokenId: 2,
  forcedBosTokenId: null,
  bosTokenId: 0,
  eosTokenId: 2,
  padTokenId: 1,
  decoderStartTokenId: 2,
  ...headDefaults('sequence-to-sequence', 3),
};

const heads: readonly ModelHead[] = ['sequence-to-sequence', 'sequence-classification', 'question-answering', 'none'];

/** Checks what BART's and Marian's configs share. */
export function checkBart(name: string, config: BartConfig, known: readonly ModelHead[]): void {
  requireCounts(name, config, ['vocabSize', 'hiddenSize', 'numHiddenLayers', 'numDecoderLayers']);
  requireCounts(name, config, ['numAttentionHeads', 'numDecoderAttentionHeads', 'maxPositionEmbeddings']);
  requireCounts(name, config, ['intermediateSize', 'decoderIntermediateSize']);
  requireRange(name, config, ['dropout', 'attentionDropout', 'activationDropout', 'classifierDropout'], 0, 1);
  requireRange(name, config, ['initializerRange'], 0, Infinity);
  checkHead(name, config, known);
  activation(config.hiddenAct);
  const { hiddenSize, padTokenId: pad, decoderVocabSize, vocabSize, shareEmbeddings } = config;
  if (decoderVocabSize !== null) requireCounts(name, config, ['decoderVocabSize']);
  if (shareEmbeddings && decoderVocabSize !== null && decoderVocabSize !== vocabSize) {
    const fix = 'give both the same size, or set shareEmbeddings to false';
    throw configError(name, `decoderVocabSize is ${decoderVocabSize}, vocabSize ${vocabSize}, in one embedding`, fix);
  }
  for (const count of [config.numAttentionHeads, config.numDecoderAttentionHeads]) {
    if (hiddenSize % count === 0) continue;
    const fix = `use a width that is a multiple of ${count}`;
    throw configError(name, `${count} heads do not divide the width ${hiddenSize}`, fix);
  }
  if (typeof pad === 'number' && !(pad >= 0 && pad < vocabSize))
    throw configError(name, `padTokenId is ${pad}`, `use an id below ${vocabSize}, or null`);
}

/** Completes and checks a config of the BART form. */
export function configureBart(given: Partial<BartConfig>): BartConfig {
  const config = completeConfig('bart', bartDefaults, given);
  checkBart('bart', config, heads);
  return config;
}

/** Tokens that the decoder can say. */
export function outputVocabulary({ shareEmbeddings, decoderVocabSize, vocabSize }: BartConfig): number {
  return shareEmbeddings ? vocabSize : (decoderVocabSize ?? vocabSize);
}

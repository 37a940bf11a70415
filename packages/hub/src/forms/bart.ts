import { bart, marian } from '@tesserae/core';
import type { BartConfig, MarianConfig } from '@tesserae/core';
import {
  act,
  amount,
  count,
  countOrNull,
  flag,
  rate,
  readTable,
  refuseUnread,
  token,
  tokens,
  writeTable,
} from './field-table';
import type { FieldTable } from './field-table';
import type { Fields } from './fields';
import type { Form } from './form';
import { readHeadFields, writeHeadFields } from './head-fields';
import type { HeadClasses } from './head-fields';

const shared: FieldTable<BartConfig> = {
  vocabSize: count('vocab_size', 50265),
  hiddenSize: count('d_model', 1024),
  numHiddenLayers: count('encoder_layers', 12),
  numDecoderLayers: count('decoder_layers', 12),
  numAttentionHeads: count('encoder_attention_heads', 16),
  numDecoderAttentionHeads: count('decoder_attention_heads', 16),
  intermediateSize: count('encoder_ffn_dim', 4096),
  decoderIntermediateSize: count('decoder_ffn_dim', 4096),
  hiddenAct: act('activation_function', 'gelu'),
  maxPositionEmbeddings: count('max_position_embeddings', 1024),
  dropout: rate('dropout', 0.1),
  attentionDropout: rate('attention_dropout', 0),
  activationDropout: rate('activation_dropout', 0),
  scaleEmbedding: flag('scale_embedding', false),
  initializerRange: amount('init_std', 0.02),
  tieWordEmbeddings: flag('tie_word_embeddings', true),
  padTokenId: token('pad_token_id', 1),
  bosTokenId: token('bos_token_id', 0),
  eosTokenId: tokens('eos_token_id', 2),
  decoderStartTokenId: token('decoder_start_token_id', 2),
  forcedEosTokenId: tokens('forced_eos_token_id', 2),
  forcedBosTokenId: token('forced_bos_token_id', null),
};

const bartTable: FieldTable<BartConfig> = { ...shared, classifierDropout: rate('classifier_dropout', 0) };
const marianTable: FieldTable<MarianConfig> = {
  ...shared,
  vocabSize: count('vocab_size', 58101),
  decoderVocabSize: countOrNull('decoder_vocab_size'),
  shareEmbeddings: flag('share_encoder_decoder_embeddings', true),
  padTokenId: token('pad_token_id', 58100),
  bosTokenId: token('bos_token_id', null),
  eosTokenId: tokens('eos_token_id', 0),
  decoderStartTokenId: token('decoder_start_token_id', 58100),
  forcedEosTokenId: tokens('forced_eos_token_id', 0),
};

function refuse(fields: Fields): void {
  refuseUnread(fields, true);
  fields.only('is_decoder', [false], 'decoders alone are not read');
  for (const name of ['encoder_layerdrop', 'decoder_layerdrop']) {
    fields.number(name, 0, 'a number from 0 to below 1', (x) => x >= 0 && x < 1); // of training alone
  }
}

const embeddings = ['encoder', 'decoder'].map(
  (half) => [`model.${half}.embed_tokens.weight`, 'model.shared.weight'] as const,
);

/** Token embeddings that differ are each their own. */
function separate(config: BartConfig, names: readonly string[]): BartConfig {
  const own = names.some((name) => name.endsWith('.embed_tokens.weight') || name.startsWith('encoder.embed_tokens'));
  const output = names.includes('lm_head.weight');
  return { ...config, ...(own && { shareEmbeddings: false }), ...(output && { tieWordEmbeddings: false }) };
}

const bartClasses: HeadClasses = {
  BartForConditionalGeneration: 'sequence-to-sequence',
  BartForSequenceClassification: 'sequence-classification',
  BartForQuestionAnswering: 'question-answering',
  BartModel: 'none',
};

/** BART's folders: `BartConfig`, and the classes above. */
export const bartForm: Form<BartConfig> = {
  architecture: bart,
  classes: bartClasses,
  naming: {
    prefix: 'model.',
    buffers: /^(model\.)?((encoder|decoder)\.version|shared\.weight)$/,
    tied: { copy: 'lm_head.weight', of: 'model.shared.weight' },
    aliases: embeddings,
    optional: /^final_logits_bias$/,
  },
  read(fields, what) {
    refuse(fields);
    return bart.configure({ ...readTable(bartTable, fields, what), ...readHeadFields(fields, bartClasses, what, 3) });
  },
  write: (config) => ({ ...writeTable(bartTable, config), is_encoder_decoder: true, ...writeHeadFields(config) }),
  separate,
};

const marianClasses: HeadClasses = { MarianMTModel: 'sequence-to-sequence', MarianModel: 'none' };

/** Marian's folders: `MarianConfig`, `MarianMTModel` and `MarianModel`. */
export const marianForm: Form<MarianConfig> = {
  architecture: marian,
  classes: marianClasses,
  naming: {
    prefix: 'model.',
    buffers: /^(model\.)?(encoder|decoder)\.(version|embed_positions\.weight)$|^(model\.)?shared\.weight$/,
    tied: { copy: 'lm_head.weight', of: 'model.shared.weight' },
    aliases: [...embeddings, ['lm_head.weight', 'model.decoder.embed_tokens.weight']],
    optional: /^final_logits_bias$/,
  },
  read(fields, what) {
    refuse(fields);
    return marian.configure({
      ...readTable(marianTable, fields, what),
      ...readHeadFields(fields, marianClasses, what),
    });
  },
  write: (config) => ({
    ...writeTable(marianTable, config),
    decoder_vocab_size: config.decoderVocabSize ?? config.vocabSize,
    is_encoder_decoder: true,
    static_position_embeddings: true,
    ...writeHeadFields(config),
  }),
  separate,
};

import { distilbert } from '@tesserae/core';
import type { DistilbertConfig } from '@tesserae/core';
import { act, amount, count, flag, rate, readTable, refuseUnread, token, tokens, writeTable } from './field-table';
import type { FieldTable } from './field-table';
import type { Form } from './form';
import { readHeadFields, writeHeadFields } from './head-fields';
import type { HeadClasses } from './head-fields';

const table: FieldTable<DistilbertConfig> = {
  vocabSize: count('vocab_size', 30522),
  hiddenSize: count('dim', 768),
  numHiddenLayers: count('n_layers', 6),
  numAttentionHeads: count('n_heads', 12),
  intermediateSize: count('hidden_dim', 3072),
  hiddenAct: act('activation', 'gelu'),
  maxPositionEmbeddings: count('max_position_embeddings', 512),
  sinusoidalPositions: flag('sinusoidal_pos_embds', false),
  hiddenDropout: rate('dropout', 0.1),
  attentionDropout: rate('attention_dropout', 0.1),
  classifierDropout: rate('seq_classif_dropout', 0.2),
  questionDropout: rate('qa_dropout', 0.1),
  initializerRange: amount('initializer_range', 0.02),
  tieWordEmbeddings: flag('tie_word_embeddings', true),
  padTokenId: token('pad_token_id', 0),
  bosTokenId: token('bos_token_id', null),
  eosTokenId: tokens('eos_token_id', null),
};

const classes: HeadClasses = {
  DistilBertForMaskedLM: 'masked-lm',
  DistilBertForSequenceClassification: 'sequence-classification',
  DistilBertForTokenClassification: 'token-classification',
  DistilBertForQuestionAnswering: 'question-answering',
  DistilBertModel: 'none',
};

/** DistilBERT's folders: `DistilBertConfig`, and the classes above. */
export const distilbertForm: Form<DistilbertConfig> = {
  architecture: distilbert,
  classes,
  naming: {
    prefix: 'distilbert.',
    buffers: /^(distilbert\.)?embeddings\.position_ids$/,
    tied: { copy: 'vocab_projector.weight', of: 'distilbert.embeddings.word_embeddings.weight' },
    older: [
      ['LayerNorm.gamma', 'LayerNorm.weight'],
      ['LayerNorm.beta', 'LayerNorm.bias'],
    ],
  },
  read(fields, what) {
    refuseUnread(fields, false);
    fields.only('is_decoder', [false], 'DistilBERT looks both ways');
    return distilbert.configure({ ...readTable(table, fields, what), ...readHeadFields(fields, classes, what) });
  },
  write: (config) => ({ ...writeTable(table, config), ...writeHeadFields(config) }),
  fit(config, names, json) {
    const bodyAlone = (json.architectures ?? null) === null && ![...names].some((name) => name.startsWith('vocab_'));
    return bodyAlone ? { ...config, head: 'none' } : config;
  },
};

import { bert, roberta } from '@tesserae/core';
import type { BertConfig, RobertaConfig } from '@tesserae/core';
import {
  act,
  amount,
  count,
  flag,
  rate,
  rateOrNull,
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

const table = (own: FieldTable<BertConfig>): FieldTable<BertConfig> => ({
  vocabSize: count('vocab_size', 30522),
  hiddenSize: count('hidden_size', 768),
  numHiddenLayers: count('num_hidden_layers', 12),
  numAttentionHeads: count('num_attention_heads', 12),
  intermediateSize: count('intermediate_size', 3072),
  hiddenAct: act('hidden_act', 'gelu'),
  hiddenDropout: rate('hidden_dropout_prob', 0.1),
  attentionDropout: rate('attention_probs_dropout_prob', 0.1),
  classifierDropout: rateOrNull('classifier_dropout'),
  maxPositionEmbeddings: count('max_position_embeddings', 512),
  typeVocabSize: count('type_vocab_size', 2),
  initializerRange: amount('initializer_range', 0.02),
  layerNormEpsilon: amount('layer_norm_eps', 1e-12),
  isDecoder: flag('is_decoder', false),
  tieWordEmbeddings: flag('tie_word_embeddings', true),
  padTokenId: token('pad_token_id', 0),
  bosTokenId: token('bos_token_id', null),
  eosTokenId: tokens('eos_token_id', null),
  ...own,
});

const bertTable = table({});
const robertaTable = table({
  vocabSize: count('vocab_size', 50265),
  padTokenId: token('pad_token_id', 1),
  bosTokenId: token('bos_token_id', 0),
  eosTokenId: tokens('eos_token_id', 2),
});

function readEncoder(
  own: FieldTable<BertConfig>,
  classes: HeadClasses,
  fields: Fields,
  what: string,
): Partial<BertConfig> {
  refuseUnread(fields, false);
  fields.only('position_embedding_type', ['absolute'], 'positions are read as one learned table');
  return { ...readTable(own, fields, what), ...readHeadFields(fields, classes, what) };
}

/** What the weights say: a pooler or none, and no language head where the config names no class. */
function fit(prefix: string, languageHead: string) {
  return (config: BertConfig, names: ReadonlySet<string>, json: Readonly<Record<string, unknown>>): BertConfig => {
    const all = [...names];
    const bodyAlone = (json.architectures ?? null) === null && !all.some((name) => name.startsWith(languageHead));
    const pooler = all.some((name) => name === 'pooler.dense.weight' || name === `${prefix}pooler.dense.weight`);
    return { ...config, pooler, ...(bodyAlone && { head: 'none' as const }) };
  };
}

const older = [
  ['LayerNorm.gamma', 'LayerNorm.weight'],
  ['LayerNorm.beta', 'LayerNorm.bias'],
] as const;

const bertClasses: HeadClasses = {
  BertForMaskedLM: 'masked-lm',
  BertForPreTraining: 'masked-lm',
  BertLMHeadModel: 'causal-lm',
  BertForSequenceClassification: 'sequence-classification',
  BertForTokenClassification: 'token-classification',
  BertForQuestionAnswering: 'question-answering',
  BertModel: 'none',
};

/** BERT's folders: `BertConfig`, and the classes above. Of pre-training the language head alone is read. */
export const bertForm: Form<BertConfig> = {
  architecture: bert,
  classes: bertClasses,
  naming: {
    prefix: 'bert.',
    buffers:
      /^(bert\.)?(embeddings\.position_ids|embeddings\.token_type_ids|pooler\.dense\.\w+)$|^cls\.(seq_relationship\..*|predictions\.bias)$/,
    tied: { copy: 'cls.predictions.decoder.weight', of: 'bert.embeddings.word_embeddings.weight' },
    // transformers 5 reads the bias beside an output of its own, and stores the other one unused
    aliases: [
      ['cls.predictions.decoder.bias', 'cls.predictions.bias'],
      ['cls.predictions.bias', 'cls.predictions.decoder.bias'],
    ],
    older,
  },
  read: (fields, what) => bert.configure(readEncoder(bertTable, bertClasses, fields, what)),
  write: (config) => ({ ...writeTable(bertTable, config), ...writeHeadFields(config) }),
  fit: fit('bert.', 'cls.'),
};

const robertaClasses: HeadClasses = {
  RobertaForMaskedLM: 'masked-lm',
  RobertaForCausalLM: 'causal-lm',
  RobertaForSequenceClassification: 'sequence-classification',
  RobertaForTokenClassification: 'token-classification',
  RobertaForQuestionAnswering: 'question-answering',
  RobertaModel: 'none',
};

/** RoBERTa's folders: `RobertaConfig`, and the classes above. */
export const robertaForm: Form<RobertaConfig> = {
  architecture: roberta,
  classes: robertaClasses,
  naming: {
    prefix: 'roberta.',
    buffers: /^(roberta\.)?(embeddings\.position_ids|embeddings\.token_type_ids|pooler\.dense\.\w+)$|^lm_head\.bias$/,
    tied: { copy: 'lm_head.decoder.weight', of: 'roberta.embeddings.word_embeddings.weight' },
    aliases: [
      ['lm_head.decoder.bias', 'lm_head.bias'],
      ['lm_head.bias', 'lm_head.decoder.bias'],
    ],
    older,
  },
  read: (fields, what) => roberta.configure(readEncoder(robertaTable, robertaClasses, fields, what)),
  write: (config) => ({ ...writeTable(robertaTable, config), ...writeHeadFields(config) }),
  fit: fit('roberta.', 'lm_head.'),
};

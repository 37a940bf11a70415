import { t5 } from '@tesserae/core';
import type { T5Config } from '@tesserae/core';
import {
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
import { fieldError } from './fields';
import type { Fields } from './fields';
import { readActivation } from './form';
import type { Form } from './form';
import { readHeadFields, writeHeadFields } from './head-fields';
import type { HeadClasses } from './head-fields';

const table: FieldTable<T5Config> = {
  vocabSize: count('vocab_size', 32128),
  hiddenSize: count('d_model', 512),
  headDim: count('d_kv', 64),
  intermediateSize: count('d_ff', 2048),
  numHiddenLayers: count('num_layers', 6),
  numDecoderLayers: countOrNull('num_decoder_layers'),
  numAttentionHeads: count('num_heads', 8),
  relativeAttentionBuckets: count('relative_attention_num_buckets', 32),
  relativeAttentionMaxDistance: count('relative_attention_max_distance', 128),
  maxPositionEmbeddings: count('n_positions', 512),
  dropout: rate('dropout_rate', 0.1),
  classifierDropout: rate('classifier_dropout', 0),
  layerNormEpsilon: amount('layer_norm_epsilon', 1e-6),
  initializerFactor: amount('initializer_factor', 1),
  tieWordEmbeddings: flag('tie_word_embeddings', true),
  padTokenId: token('pad_token_id', 0),
  bosTokenId: token('bos_token_id', null),
  eosTokenId: tokens('eos_token_id', 1),
  decoderStartTokenId: token('decoder_start_token_id', null),
};

const classes: HeadClasses = {
  T5ForConditionalGeneration: 'sequence-to-sequence',
  T5WithLMHeadModel: 'sequence-to-sequence', // what the first versions called it
  T5ForSequenceClassification: 'sequence-classification',
  T5ForTokenClassification: 'token-classification',
  T5ForQuestionAnswering: 'question-answering',
  T5Model: 'none',
  T5EncoderModel: 'none',
};

/** `feed_forward_proj` is `relu`, `gated-gelu` and their like; `dense_act_fn` and `is_gated_act` overrule it. */
function readFeedForward(fields: Fields, what: string): { hiddenAct: string; gatedFeedForward: boolean } {
  const value = fields.raw('feed_forward_proj') ?? 'relu';
  const parts = typeof value === 'string' ? value.split('-') : [];
  if (parts.length < 1 || parts.length > 2 || (parts.length === 2 && parts[0] !== 'gated')) {
    throw fieldError(what, 'feed_forward_proj', value, 'the name of an activation, or gated- and one');
  }
  const named = value === 'gated-gelu' ? 'gelu_new' : parts[parts.length - 1]; // as T5 1.1 was trained
  const field = fields.has('dense_act_fn') ? 'dense_act_fn' : 'feed_forward_proj';
  const own = field === 'dense_act_fn' ? fields : { ...fields, raw: () => named };
  return {
    hiddenAct: readActivation(own, field, named, what),
    gatedFeedForward: fields.boolean('is_gated_act', parts.length === 2),
  };
}

const isClass = (fields: Fields, ...names: string[]): boolean => {
  const named = fields.raw('architectures');
  return Array.isArray(named) && names.includes(named[0] as string);
};

/** T5's folders: `T5Config`, and the classes above. */
export const t5Form: Form<T5Config> = {
  architecture: t5,
  classes,
  naming: {
    prefix: '',
    // a cross-attention of the first checkpoints had a table that nothing reads
    buffers: /EncDecAttention\.relative_attention_bias\.weight$/,
    tied: { copy: 'lm_head.weight', of: 'shared.weight' },
    aliases: ['', 'transformer.', 'transformer.encoder.'].flatMap((at) =>
      ['encoder', 'decoder'].map(
        (half) => [`${at}${half}.embed_tokens.weight`, `${at.replace('encoder.', '')}shared.weight`] as const,
      ),
    ),
  },
  newFormField: 'scale_decoder_outputs',
  read(fields, what) {
    const encoderOnly = isClass(fields, 'T5EncoderModel');
    const isEncoder = isClass(fields, 'T5EncoderModel', 'T5ForTokenClassification');
    refuseUnread(fields, !(isEncoder && fields.raw('is_encoder_decoder') === false));
    fields.only('is_decoder', [false], 'decoders of T5 alone are not read');
    const read = readTable(table, fields, what);
    return t5.configure({
      ...read,
      ...readFeedForward(fields, what),
      // before transformers 5 an output of its own went without the scale
      scaleDecoderOutputs: fields.boolean('scale_decoder_outputs', read.tieWordEmbeddings!),
      encoderOnly,
      ...readHeadFields(fields, classes, what),
    });
  },
  write(config, newForm) {
    const { hiddenAct, gatedFeedForward } = config;
    const name = gatedFeedForward && hiddenAct === 'gelu_new' ? 'gelu' : hiddenAct;
    const scale = config.scaleDecoderOutputs ?? config.tieWordEmbeddings;
    const { n_positions: positions, ...rest } = writeTable(table, config);
    return {
      ...rest,
      ...(config.maxPositionEmbeddings !== 512 && { n_positions: positions }),
      feed_forward_proj: gatedFeedForward ? `gated-${name}` : name,
      dense_act_fn: hiddenAct,
      is_gated_act: gatedFeedForward,
      is_encoder_decoder: !config.encoderOnly,
      // whether the output is tied is seen by what is stored; before transformers 5 this field stood for the scale too
      tie_word_embeddings: newForm || scale,
      ...(newForm && { scale_decoder_outputs: scale }),
      ...writeHeadFields(config),
    };
  },
  // an output that is not stored is the token embedding, whatever the config says
  fit: (config, names) => (names.has('lm_head.weight') ? config : { ...config, tieWordEmbeddings: true }),
  className: (config) =>
    config.encoderOnly ? 'T5EncoderModel' : Object.keys(classes).find((one) => classes[one] === config.head)!,
};

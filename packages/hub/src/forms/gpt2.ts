import { gpt2 } from '@tesserae/core';
import type { Gpt2Config } from '@tesserae/core';
import { readClassifierDropout, writeClassifierDropout } from './decoder-fields';
import { readActivation, refuseForeignFields } from './form';
import type { Form } from './form';
import { readHeadFields, writeHeadFields } from './head-fields';
import type { HeadClasses } from './head-fields';

const gpt2Classes: HeadClasses = {
  GPT2LMHeadModel: 'causal-lm',
  GPT2ForSequenceClassification: 'sequence-classification',
  GPT2ForTokenClassification: 'token-classification',
  GPT2ForQuestionAnswering: 'question-answering',
  GPT2Model: 'none',
};

/** GPT-2's folders: `GPT2Config` and `GPT2LMHeadModel`. */
export const gpt2Form: Form<Gpt2Config> = {
  architecture: gpt2,
  classes: gpt2Classes,
  naming: {
    prefix: 'transformer.',
    buffers: /\.attn\.(masked_)?bias$/, // the causal mask, once stored with the weights
    tied: { copy: 'lm_head.weight', of: 'transformer.wte.weight' },
  },
  read(fields, what) {
    refuseForeignFields(fields);
    const rate = (name: string): number =>
      fields.number(name, 0.1, 'a number from 0 to below 1', (x) => x >= 0 && x < 1);
    // the second names are those that GPT2Config takes for its own
    return gpt2.configure({
      vocabSize: fields.count('vocab_size', 50257),
      hiddenSize: fields.count('n_embd', fields.count('hidden_size', 768)),
      numHiddenLayers: fields.count('n_layer', fields.count('num_hidden_layers', 12)),
      numAttentionHeads: fields.count('n_head', fields.count('num_attention_heads', 12)),
      maxPositionEmbeddings: fields.count('n_positions', fields.count('max_position_embeddings', 1024)),
      intermediateSize: fields.optionalCount('n_inner') ?? null,
      hiddenAct: readActivation(fields, 'activation_function', 'gelu_new', what),
      residualDropout: rate('resid_pdrop'),
      embeddingDropout: rate('embd_pdrop'),
      attentionDropout: rate('attn_pdrop'),
      layerNormEpsilon: fields.number('layer_norm_epsilon', 1e-5, 'a number from 0 up', (x) => x >= 0),
      initializerRange: fields.number('initializer_range', 0.02, 'a number from 0 up', (x) => x >= 0),
      scaleAttentionWeights: fields.boolean('scale_attn_weights', true),
      scaleAttentionByInverseLayerIndex: fields.boolean('scale_attn_by_inverse_layer_idx', false),
      reorderAndUpcastAttention: fields.boolean('reorder_and_upcast_attn', false),
      tieWordEmbeddings: fields.boolean('tie_word_embeddings', true),
      bosTokenId: fields.tokenId('bos_token_id', 50256),
      eosTokenId: fields.tokenIds('eos_token_id', 50256),
      padTokenId: fields.tokenId('pad_token_id', null),
      ...readHeadFields(fields, gpt2Classes, what),
      ...readClassifierDropout(fields),
    });
  },
  write: (config) => ({
    vocab_size: config.vocabSize,
    n_embd: config.hiddenSize,
    n_layer: config.numHiddenLayers,
    n_head: config.numAttentionHeads,
    n_positions: config.maxPositionEmbeddings,
    n_inner: config.intermediateSize,
    activation_function: config.hiddenAct,
    resid_pdrop: config.residualDropout,
    embd_pdrop: config.embeddingDropout,
    attn_pdrop: config.attentionDropout,
    layer_norm_epsilon: config.layerNormEpsilon,
    initializer_range: config.initializerRange,
    scale_attn_weights: config.scaleAttentionWeights,
    scale_attn_by_inverse_layer_idx: config.scaleAttentionByInverseLayerIndex,
    reorder_and_upcast_attn: config.reorderAndUpcastAttention,
    tie_word_embeddings: config.tieWordEmbeddings,
    bos_token_id: config.bosTokenId ?? null,
    eos_token_id: config.eosTokenId ?? null,
    pad_token_id: config.padTokenId ?? null,
    ...writeHeadFields(config),
    ...writeClassifierDropout(config),
  }),
};

import { llama } from '@tesserae/core';
import type { LlamaConfig } from '@tesserae/core';
import { readActivation, refuseForeignFields } from './form';
import type { Form } from './form';
import { readRope, writeRope } from './rope-fields';

/** Llama's folders: `LlamaConfig` and `LlamaForCausalLM`. */
export const llamaForm: Form<LlamaConfig> = {
  architecture: llama,
  classes: ['LlamaForCausalLM', 'LlamaModel'],
  naming: {
    prefix: 'model.',
    buffers: /\.rotary_emb\.inv_freq$/, // computed; once stored with the weights
    tied: { copy: 'lm_head.weight', of: 'model.embed_tokens.weight' },
  },
  read(fields, what) {
    refuseForeignFields(fields);
    const maxPositionEmbeddings = fields.count('max_position_embeddings', 2048);
    const numAttentionHeads = fields.count('num_attention_heads', 32);
    const hiddenSize = fields.count('hidden_size', 4096);
    return llama.configure({
      vocabSize: fields.count('vocab_size', 32000),
      hiddenSize,
      intermediateSize: fields.count('intermediate_size', 11008),
      numHiddenLayers: fields.count('num_hidden_layers', 32),
      numAttentionHeads,
      numKeyValueHeads: fields.count('num_key_value_heads', numAttentionHeads),
      headDim: fields.count('head_dim', Math.floor(hiddenSize / numAttentionHeads)),
      maxPositionEmbeddings,
      hiddenAct: readActivation(fields, 'hidden_act', 'silu', what),
      rmsNormEpsilon: fields.number('rms_norm_eps', 1e-6, 'a number from 0 up', (x) => x >= 0),
      ...readRope(fields, maxPositionEmbeddings, what),
      attentionBias: fields.boolean('attention_bias', false),
      mlpBias: fields.boolean('mlp_bias', false),
      attentionDropout: fields.number('attention_dropout', 0, 'a number from 0 to below 1', (x) => x >= 0 && x < 1),
      initializerRange: fields.number('initializer_range', 0.02, 'a number from 0 up', (x) => x >= 0),
      tieWordEmbeddings: fields.boolean('tie_word_embeddings', false),
      bosTokenId: fields.tokenId('bos_token_id', 1),
      eosTokenId: fields.tokenIds('eos_token_id', 2),
      padTokenId: fields.tokenId('pad_token_id', null),
    });
  },
  write: (config, newForm) => ({
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.numHiddenLayers,
    num_attention_heads: config.numAttentionHeads,
    num_key_value_heads: config.numKeyValueHeads,
    head_dim: config.headDim,
    max_position_embeddings: config.maxPositionEmbeddings,
    hidden_act: config.hiddenAct,
    rms_norm_eps: config.rmsNormEpsilon,
    ...writeRope(config, newForm),
    attention_bias: config.attentionBias,
    mlp_bias: config.mlpBias,
    attention_dropout: config.attentionDropout,
    initializer_range: config.initializerRange,
    tie_word_embeddings: config.tieWordEmbeddings,
    bos_token_id: config.bosTokenId ?? null,
    eos_token_id: config.eosTokenId ?? null,
    pad_token_id: config.padTokenId ?? null,
  }),
};

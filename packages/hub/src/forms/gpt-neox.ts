import { gptNeox } from '@tesserae/core';
import type { GptNeoxConfig } from '@tesserae/core';
import { writeClassifierDropout } from './decoder-fields';
import { readActivation, refuseForeignFields } from './form';
import type { Form } from './form';
import { readHeadFields, writeHeadFields } from './head-fields';
import type { HeadClasses } from './head-fields';
import { readPartialRope, writeRope } from './rope-fields';

const classes: HeadClasses = {
  GPTNeoXForCausalLM: 'causal-lm',
  GPTNeoXForSequenceClassification: 'sequence-classification',
  GPTNeoXForTokenClassification: 'token-classification',
  GPTNeoXForQuestionAnswering: 'question-answering',
  GPTNeoXModel: 'none',
};

/** GPT-NeoX's folders (Pythia's too): `GPTNeoXConfig` and `GPTNeoXForCausalLM`. */
export const gptNeoxForm: Form<GptNeoxConfig> = {
  architecture: gptNeox,
  classes,
  naming: {
    prefix: 'gpt_neox.',
    buffers: /\.attention\.((masked_)?bias|rotary_emb\.inv_freq)$/, // computed; once stored with the weights
    tied: { copy: 'embed_out.weight', of: 'gpt_neox.embed_in.weight' },
  },
  read(fields, what) {
    refuseForeignFields(fields);
    const rate = (name: string, usual = 0): number =>
      fields.number(name, usual, 'a number from 0 to below 1', (x) => x >= 0 && x < 1);
    const maxPositionEmbeddings = fields.count('max_position_embeddings', 2048);
    const hiddenSize = fields.count('hidden_size', 6144);
    const numAttentionHeads = fields.count('num_attention_heads', 64);
    fields.only('head_dim', [hiddenSize / numAttentionHeads], 'heads share the width evenly');
    return gptNeox.configure({
      vocabSize: fields.count('vocab_size', 50432),
      hiddenSize,
      intermediateSize: fields.count('intermediate_size', 24576),
      numHiddenLayers: fields.count('num_hidden_layers', 44),
      numAttentionHeads,
      maxPositionEmbeddings,
      hiddenAct: readActivation(fields, 'hidden_act', 'gelu', what),
      ...readPartialRope(fields, maxPositionEmbeddings, what),
      attentionDropout: rate('attention_dropout'),
      hiddenDropout: rate('hidden_dropout'),
      layerNormEpsilon: fields.number('layer_norm_eps', 1e-5, 'a number from 0 up', (x) => x >= 0),
      initializerRange: fields.number('initializer_range', 0.02, 'a number from 0 up', (x) => x >= 0),
      attentionBias: fields.boolean('attention_bias', true),
      useParallelResidual: fields.boolean('use_parallel_residual', true),
      tieWordEmbeddings: fields.boolean('tie_word_embeddings', false),
      bosTokenId: fields.tokenId('bos_token_id', 0),
      eosTokenId: fields.tokenIds('eos_token_id', 2),
      padTokenId: fields.tokenId('pad_token_id', null),
      ...readHeadFields(fields, classes, what),
      ...(fields.has('classifier_dropout') && { classifierDropout: rate('classifier_dropout') }),
    });
  },
  write(config, newForm) {
    const { rope_theta: base, ...rope } = writeRope(config, newForm);
    const inner = newForm
      ? { rope_parameters: { ...(rope.rope_parameters as object), partial_rotary_factor: config.rotaryFraction } }
      : { ...rope, rotary_emb_base: base, rotary_pct: config.rotaryFraction };
    return {
      vocab_size: config.vocabSize,
      hidden_size: config.hiddenSize,
      intermediate_size: config.intermediateSize,
      num_hidden_layers: config.numHiddenLayers,
      num_attention_heads: config.numAttentionHeads,
      max_position_embeddings: config.maxPositionEmbeddings,
      hidden_act: config.hiddenAct,
      ...inner,
      attention_dropout: config.attentionDropout,
      hidden_dropout: config.hiddenDropout,
      layer_norm_eps: config.layerNormEpsilon,
      initializer_range: config.initializerRange,
      attention_bias: config.attentionBias,
      use_parallel_residual: config.useParallelResidual,
      tie_word_embeddings: config.tieWordEmbeddings,
      bos_token_id: config.bosTokenId ?? null,
      eos_token_id: config.eosTokenId ?? null,
      pad_token_id: config.padTokenId ?? null,
      ...writeHeadFields(config),
      ...writeClassifierDropout(config),
    };
  },
};

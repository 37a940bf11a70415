import { llama } from '@tesserae/core';
import type { LlamaConfig } from '@tesserae/core';
import { readRotaryDecoder, writeRotaryDecoder } from './decoder-fields';
import type { Form } from './form';
import type { HeadClasses } from './head-fields';
import type { NamingRules } from '../folders/stored-names';

/** How Llama-like checkpoints name their weights. */
export const llamaNaming: NamingRules = {
  prefix: 'model.',
  buffers: /\.rotary_emb\.inv_freq$/, // computed; once stored with the weights
  tied: { copy: 'lm_head.weight', of: 'model.embed_tokens.weight' },
};

const classes: HeadClasses = {
  LlamaForCausalLM: 'causal-lm',
  LlamaForSequenceClassification: 'sequence-classification',
  LlamaForTokenClassification: 'token-classification',
  LlamaForQuestionAnswering: 'question-answering',
  LlamaModel: 'none',
};

/** Llama's folders: `LlamaConfig` and `LlamaForCausalLM`. */
export const llamaForm: Form<LlamaConfig> = {
  architecture: llama,
  classes,
  naming: llamaNaming,
  read: (fields, what) =>
    llama.configure({
      ...readRotaryDecoder(fields, what, classes),
      attentionBias: fields.boolean('attention_bias', false),
      mlpBias: fields.boolean('mlp_bias', false),
    }),
  write: (config, newForm) => ({
    ...writeRotaryDecoder(config, newForm),
    attention_bias: config.attentionBias,
    mlp_bias: config.mlpBias,
  }),
};

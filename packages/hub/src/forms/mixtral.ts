import { mixtral } from '@tesserae/core';
import type { MixtralConfig } from '@tesserae/core';
import { readRotaryDecoder, readWindow, writeRotaryDecoder } from './decoder-fields';
import type { RotaryDefaults } from './decoder-fields';
import type { Form } from './form';
import type { HeadClasses } from './head-fields';
import { llamaNaming } from './llama';

const classes: HeadClasses = {
  MixtralForCausalLM: 'causal-lm',
  MixtralForSequenceClassification: 'sequence-classification',
  MixtralForTokenClassification: 'token-classification',
  MixtralForQuestionAnswering: 'question-answering',
  MixtralModel: 'none',
};

const defaults: RotaryDefaults = {
  intermediateSize: 14336,
  numKeyValueHeads: 8,
  maxPositionEmbeddings: 131072,
  rmsNormEpsilon: 1e-5,
  ropeTheta: 1_000_000,
};

/** Mixtral's folders: `MixtralConfig` and `MixtralForCausalLM`, each expert's matrices under names of their own. */
export const mixtralForm: Form<MixtralConfig> = {
  architecture: mixtral,
  classes,
  naming: llamaNaming,
  read: (fields, what) =>
    mixtral.configure({
      ...readRotaryDecoder(fields, what, classes, defaults),
      slidingWindow: readWindow(fields, null, what, false),
      numLocalExperts: fields.count('num_local_experts', fields.count('num_experts', 8)),
      numExpertsPerToken: fields.count('num_experts_per_tok', 2),
      outputRouterLogits: fields.boolean('output_router_logits', false),
      routerAuxLossCoefficient: fields.number('router_aux_loss_coef', 0.001, 'a number from 0 up', (x) => x >= 0),
      routerJitterNoise: fields.number('router_jitter_noise', 0, 'a number from 0 to below 1', (x) => x >= 0 && x < 1),
    }),
  write: (config, newForm) => ({
    ...writeRotaryDecoder(config, newForm),
    sliding_window: config.slidingWindow,
    num_local_experts: config.numLocalExperts,
    num_experts_per_tok: config.numExpertsPerToken,
    output_router_logits: config.outputRouterLogits,
    router_aux_loss_coef: config.routerAuxLossCoefficient,
    router_jitter_noise: config.routerJitterNoise,
  }),
};

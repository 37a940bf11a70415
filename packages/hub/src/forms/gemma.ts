import { gemma, gemma2, gemma3 } from '@tesserae/core';
import type { Gemma2Config, Gemma3Config, GemmaConfig, LayerType } from '@tesserae/core';
import { readLayerTypes, readRotaryDecoder, readWindow, writeRotaryDecoder } from './decoder-fields';
import type { RotaryDefaults } from './decoder-fields';
import type { Fields } from './fields';
import type { Form } from './form';
import type { HeadClasses } from './head-fields';
import { llamaNaming } from './llama';
import { readLayeredRope, writeLayeredRope } from './rope-fields';

const gemmaClasses: HeadClasses = {
  GemmaForCausalLM: 'causal-lm',
  GemmaForSequenceClassification: 'sequence-classification',
  GemmaForTokenClassification: 'token-classification',
  GemmaModel: 'none',
};
const gemma2Classes: HeadClasses = {
  Gemma2ForCausalLM: 'causal-lm',
  Gemma2ForSequenceClassification: 'sequence-classification',
  Gemma2ForTokenClassification: 'token-classification',
  Gemma2Model: 'none',
};
const gemma3Classes: HeadClasses = {
  Gemma3ForCausalLM: 'causal-lm',
  Gemma3TextForSequenceClassification: 'sequence-classification',
  Gemma3TextModel: 'none',
};

const defaults = {
  vocabSize: 256000,
  headDim: 256,
  maxPositionEmbeddings: 8192,
  hiddenAct: 'gelu_pytorch_tanh',
  tieWordEmbeddings: true,
  padTokenId: 0,
  eosTokenId: 1,
  bosTokenId: 2,
} satisfies RotaryDefaults;
const defaults1: RotaryDefaults = {
  ...defaults,
  hiddenSize: 3072,
  intermediateSize: 24576,
  numHiddenLayers: 28,
  numAttentionHeads: 16,
  numKeyValueHeads: 16,
};
const defaults2: RotaryDefaults = {
  ...defaults,
  hiddenSize: 2304,
  intermediateSize: 9216,
  numHiddenLayers: 26,
  numAttentionHeads: 8,
  numKeyValueHeads: 4,
  activationField: 'hidden_activation',
};
const defaults3: RotaryDefaults = {
  ...defaults2,
  vocabSize: 262208,
  maxPositionEmbeddings: 131072,
  readRope: readLayeredRope,
};

const bothWays = 'this form is a decoder: a query sees nothing after it';

/** Gemma's folders: `GemmaConfig` and `GemmaForCausalLM`. */
export const gemmaForm: Form<GemmaConfig> = {
  architecture: gemma,
  classes: gemmaClasses,
  naming: llamaNaming,
  read(fields, what) {
    fields.only('use_bidirectional_attention', [false], bothWays);
    const config = readRotaryDecoder(fields, what, gemmaClasses, defaults1);
    const hiddenAct = config.hiddenAct === 'gelu' ? 'gelu_pytorch_tanh' : config.hiddenAct; // what the first release meant
    return gemma.configure({ ...config, hiddenAct, attentionBias: fields.boolean('attention_bias', false) });
  },
  write: (config, newForm) => ({
    ...writeRotaryDecoder(config, newForm),
    attention_bias: config.attentionBias,
  }),
};

/** A soft cap: a number above 0, or null for none. */
function readCap(fields: Fields, name: string, usual: number | null): number | null {
  if (fields.isNull(name) || (usual === null && !fields.has(name))) return null;
  return fields.number(name, usual ?? 0, 'a number above 0, or null', (x) => x > 0);
}

function readGemma2(
  fields: Fields,
  what: string,
  classes: HeadClasses,
  usual: { readonly defaults: RotaryDefaults; readonly pattern: number; readonly caps: [number | null, number | null] },
): Gemma2Config {
  const config = readRotaryDecoder(fields, what, classes, usual.defaults);
  const layerTypes =
    readLayerTypes(fields, what, config.numHiddenLayers) ??
    Array.from({ length: config.numHiddenLayers }, (_, i): LayerType =>
      (i + 1) % usual.pattern === 0 ? 'full_attention' : 'sliding_attention',
    );
  return {
    ...config,
    attentionBias: fields.boolean('attention_bias', false),
    queryPreAttentionScalar: fields.number('query_pre_attn_scalar', 256, 'a number above 0', (x) => x > 0),
    slidingWindow: readWindow(fields, 4096, what, layerTypes.includes('sliding_attention')),
    layerTypes,
    attentionSoftcap: readCap(fields, 'attn_logit_softcapping', usual.caps[0]),
    finalSoftcap: readCap(fields, 'final_logit_softcapping', usual.caps[1]),
  };
}

const writeGemma2 = (config: Gemma2Config, newForm: boolean): Record<string, unknown> => ({
  ...writeRotaryDecoder(config, newForm, 'hidden_activation'),
  attention_bias: config.attentionBias,
  query_pre_attn_scalar: config.queryPreAttentionScalar,
  sliding_window: config.slidingWindow,
  layer_types: config.layerTypes,
  attn_logit_softcapping: config.attentionSoftcap,
  final_logit_softcapping: config.finalSoftcap,
});

/** Gemma 2's folders: `Gemma2Config` and `Gemma2ForCausalLM`. */
export const gemma2Form: Form<Gemma2Config> = {
  architecture: gemma2,
  classes: gemma2Classes,
  naming: llamaNaming,
  read(fields, what) {
    fields.only('use_bidirectional_attention', [false], bothWays);
    return gemma2.configure(
      readGemma2(fields, what, gemma2Classes, { defaults: defaults2, pattern: 2, caps: [50, 30] }),
    );
  },
  write: writeGemma2,
};

/** Folders of Gemma 3's text model: `Gemma3TextConfig` and `Gemma3ForCausalLM`. */
export const gemma3Form: Form<Gemma3Config> = {
  architecture: gemma3,
  classes: gemma3Classes,
  naming: llamaNaming,
  read(fields, what) {
    const pattern = fields.count('sliding_window_pattern', 6);
    const config = readGemma2(fields, what, gemma3Classes, { defaults: defaults3, pattern, caps: [null, null] });
    const rope = readLayeredRope(fields, config.maxPositionEmbeddings, what);
    const useBidirectionalAttention = fields.boolean('use_bidirectional_attention', false);
    return gemma3.configure({ ...config, ...rope, useBidirectionalAttention });
  },
  write: (config, newForm) => ({
    ...writeGemma2(config, newForm),
    ...writeLayeredRope(config, newForm),
    use_bidirectional_attention: config.useBidirectionalAttention,
  }),
};

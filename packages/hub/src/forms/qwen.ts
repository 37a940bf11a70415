import { qwen2, qwen3 } from '@tesserae/core';
import type { LayerType, Qwen2Config, Qwen3Config } from '@tesserae/core';
import { readLayerTypes, readRotaryDecoder, readWindow, writeRotaryDecoder } from './decoder-fields';
import type { RotaryDefaults } from './decoder-fields';
import type { Fields } from './fields';
import type { Form } from './form';
import type { HeadClasses } from './head-fields';
import { llamaNaming } from './llama';

const classesOf = (name: string): HeadClasses => ({
  [`${name}ForCausalLM`]: 'causal-lm',
  [`${name}ForSequenceClassification`]: 'sequence-classification',
  [`${name}ForTokenClassification`]: 'token-classification',
  [`${name}ForQuestionAnswering`]: 'question-answering',
  [`${name}Model`]: 'none',
});

const defaults: RotaryDefaults = {
  vocabSize: 151936,
  intermediateSize: 22016,
  numKeyValueHeads: 32,
  maxPositionEmbeddings: 32768,
  bosTokenId: null,
  eosTokenId: null,
};

function readQwen(fields: Fields, what: string, classes: HeadClasses, more: RotaryDefaults = {}): Qwen2Config {
  const config = readRotaryDecoder(fields, what, classes, { ...defaults, ...more });
  const slides = fields.boolean('use_sliding_window', false);
  const given = readLayerTypes(fields, what, config.numHiddenLayers);
  const window = slides ? readWindow(fields, 4096, what, given?.includes('sliding_attention') ?? false) : null;
  const first = fields.count('max_window_layers', 28, 0);
  const usual = (_: unknown, i: number): LayerType =>
    window !== null && i >= first ? 'sliding_attention' : 'full_attention';
  return {
    ...config,
    slidingWindow: window,
    layerTypes: given ?? Array.from({ length: config.numHiddenLayers }, usual),
  };
}

function writeQwen(config: Qwen2Config, newForm: boolean): Record<string, unknown> {
  const first = config.layerTypes.indexOf('sliding_attention');
  return {
    ...writeRotaryDecoder(config, newForm),
    use_sliding_window: config.slidingWindow !== null,
    sliding_window: config.slidingWindow,
    max_window_layers: first < 0 ? config.numHiddenLayers : first,
    layer_types: config.layerTypes,
  };
}

const qwen2Classes = classesOf('Qwen2');
const qwen3Classes = classesOf('Qwen3');

/** Qwen2's folders (Qwen2.5's too): `Qwen2Config` and `Qwen2ForCausalLM`. */
export const qwen2Form: Form<Qwen2Config> = {
  architecture: qwen2,
  classes: qwen2Classes,
  naming: llamaNaming,
  read: (fields, what) => qwen2.configure(readQwen(fields, what, qwen2Classes)),
  write: writeQwen,
};

/** Qwen3's folders: `Qwen3Config` and `Qwen3ForCausalLM`. */
export const qwen3Form: Form<Qwen3Config> = {
  architecture: qwen3,
  classes: qwen3Classes,
  naming: llamaNaming,
  read: (fields, what) =>
    qwen3.configure({
      ...readQwen(fields, what, qwen3Classes, { headDim: 128 }),
      attentionBias: fields.boolean('attention_bias', false),
    }),
  write: (config, newForm) => ({ ...writeQwen(config, newForm), attention_bias: config.attentionBias }),
};

import { mistral } from '@tesserae/core';
import type { MistralConfig } from '@tesserae/core';
import { readLayerTypes, readRotaryDecoder, readWindow, writeRotaryDecoder } from './decoder-fields';
import { unsupported } from './fields';
import type { Form } from './form';
import type { HeadClasses } from './head-fields';
import { llamaNaming } from './llama';

const classes: HeadClasses = {
  MistralForCausalLM: 'causal-lm',
  MistralForSequenceClassification: 'sequence-classification',
  MistralForTokenClassification: 'token-classification',
  MistralForQuestionAnswering: 'question-answering',
  MistralModel: 'none',
};

/** Mistral's folders: `MistralConfig` and `MistralForCausalLM`. */
export const mistralForm: Form<MistralConfig> = {
  architecture: mistral,
  classes,
  naming: llamaNaming,
  read(fields, what) {
    const defaults = { intermediateSize: 14336, numKeyValueHeads: 8, maxPositionEmbeddings: 131072 };
    const config = readRotaryDecoder(fields, what, classes, defaults);
    const slidingWindow = readWindow(fields, 4096, what, false);
    const own = slidingWindow === null ? 'full_attention' : 'sliding_attention';
    const types = readLayerTypes(fields, what, config.numHiddenLayers);
    if (types?.some((type) => type !== own)) {
      throw unsupported(what, 'layer_types', types, 'all layers of this model see alike');
    }
    return mistral.configure({ ...config, slidingWindow });
  },
  write: (config, newForm) => ({
    ...writeRotaryDecoder(config, newForm),
    sliding_window: config.slidingWindow,
  }),
};

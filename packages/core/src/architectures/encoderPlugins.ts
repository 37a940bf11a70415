import { architecturePlugin } from './architecturePlugins';
import type { ArchitecturePlugin } from './architecturePlugins';
import { bart } from './bart';
import type { BartConfig } from './bartConfig';
import { bert } from './bert';
import type { BertConfig } from './bertConfig';
import { distilbert } from './distilbert';
import type { DistilbertConfig } from './distilbertConfig';
import { marian } from './marian';
import type { MarianConfig } from './marian';
import { roberta } from './roberta';
import type { RobertaConfig } from './roberta';
import { t5 } from './t5';
import type { T5Config } from './t5Config';

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'architecture:bert': ArchitecturePlugin<'bert', BertConfig>;
    'architecture:roberta': ArchitecturePlugin<'roberta', RobertaConfig>;
    'architecture:distilbert': ArchitecturePlugin<'distilbert', DistilbertConfig>;
    'architecture:t5': ArchitecturePlugin<'t5', T5Config>;
    'architecture:bart': ArchitecturePlugin<'bart', BartConfig>;
    'architecture:marian': ArchitecturePlugin<'marian', MarianConfig>;
  }
}

/** The architectures with an encoder as plugins. */
export type EncoderPlugins = readonly [
  ArchitecturePlugin<'bert', BertConfig>,
  ArchitecturePlugin<'roberta', RobertaConfig>,
  ArchitecturePlugin<'distilbert', DistilbertConfig>,
  ArchitecturePlugin<'t5', T5Config>,
  ArchitecturePlugin<'bart', BartConfig>,
  ArchitecturePlugin<'marian', MarianConfig>,
];

/**
 * The encoders and encoder-decoders as plugins for a registry; each gives the value that can also be imported by name.
 *
 * @example
 * ```ts
 * import { createModel, encoderPlugins, selectBackend } from '@tesserae/core';
 * import { createRegistry } from '@tesserae/registry';
 *
 * await selectBackend({ prefer: 'cpu', log: false });
 * const kit = createRegistry(encoderPlugins);
 * const architecture = await kit.create('architecture', 'bert');
 * const model = createModel(architecture, { vocabSize: 8, hiddenSize: 8, intermediateSize: 8, numHiddenLayers: 1, numAttentionHeads: 2 });
 * console.log(model.architecture.name); // → bert
 * ```
 */
export const encoderPlugins: EncoderPlugins = /* @__PURE__ */ makePlugins();

function makePlugins(): EncoderPlugins {
  return [
    architecturePlugin('bert', bert, 'The encoder with learned positions, segments and a pooler'),
    architecturePlugin('roberta', roberta, 'BERT with positions that skip padding'),
    architecturePlugin('distilbert', distilbert, 'BERT without segments and pooler'),
    architecturePlugin('t5', t5, 'The encoder-decoder with relative positions and norms before each block'),
    architecturePlugin('bart', bart, 'The encoder-decoder with learned positions and norms after each sum'),
    architecturePlugin('marian', marian, 'The encoder-decoder of translation, with fixed positions'),
  ];
}

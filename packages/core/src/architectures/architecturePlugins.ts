import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import type { Architecture, ArchitectureConfig } from '../model/types';
import { gemma } from './gemma';
import type { GemmaConfig } from './gemma';
import { gemma2 } from './gemma2';
import type { Gemma2Config } from './gemma2';
import { gemma3 } from './gemma3';
import type { Gemma3Config } from './gemma3';
import { gpt2 } from './gpt2';
import type { Gpt2Config } from './gpt2Config';
import { gptNeox } from './gptNeox';
import type { GptNeoxConfig } from './gptNeoxConfig';
import { llama } from './llama';
import type { LlamaConfig } from './llama';
import { mistral } from './mistral';
import type { MistralConfig } from './mistral';
import { mixtral } from './mixtral';
import type { MixtralConfig } from './mixtral';
import { qwen2 } from './qwen2';
import type { Qwen2Config } from './qwen2';
import { qwen3 } from './qwen3';
import type { Qwen3Config } from './qwen3';

/** A plugin that gives an architecture, under its `model_type`. */
export type ArchitecturePlugin<N extends string = string, C = ArchitectureConfig> = Plugin<
  'architecture',
  N,
  () => Architecture<C>
>;

declare module '@tesserae/registry' {
  interface PluginKinds {
    architecture: Architecture;
  }
  interface PluginCatalog {
    'architecture:gpt2': ArchitecturePlugin<'gpt2', Gpt2Config>;
    'architecture:gpt_neox': ArchitecturePlugin<'gpt_neox', GptNeoxConfig>;
    'architecture:llama': ArchitecturePlugin<'llama', LlamaConfig>;
    'architecture:mistral': ArchitecturePlugin<'mistral', MistralConfig>;
    'architecture:qwen2': ArchitecturePlugin<'qwen2', Qwen2Config>;
    'architecture:qwen3': ArchitecturePlugin<'qwen3', Qwen3Config>;
    'architecture:gemma': ArchitecturePlugin<'gemma', GemmaConfig>;
    'architecture:gemma2': ArchitecturePlugin<'gemma2', Gemma2Config>;
    'architecture:gemma3_text': ArchitecturePlugin<'gemma3_text', Gemma3Config>;
    'architecture:mixtral': ArchitecturePlugin<'mixtral', MixtralConfig>;
  }
}

/** The decoder-only architectures as plugins. */
export type DecoderPlugins = readonly [
  ArchitecturePlugin<'gpt2', Gpt2Config>,
  ArchitecturePlugin<'gpt_neox', GptNeoxConfig>,
  ArchitecturePlugin<'llama', LlamaConfig>,
  ArchitecturePlugin<'mistral', MistralConfig>,
  ArchitecturePlugin<'qwen2', Qwen2Config>,
  ArchitecturePlugin<'qwen3', Qwen3Config>,
  ArchitecturePlugin<'gemma', GemmaConfig>,
  ArchitecturePlugin<'gemma2', Gemma2Config>,
  ArchitecturePlugin<'gemma3_text', Gemma3Config>,
  ArchitecturePlugin<'mixtral', MixtralConfig>,
];

/**
 * The decoder-only architectures as plugins for a registry; each gives the value that can also be imported by name.
 *
 * @example
 * ```ts
 * import { createModel, decoderPlugins, selectBackend } from '@tesserae/core';
 * import { createRegistry } from '@tesserae/registry';
 *
 * await selectBackend({ prefer: 'cpu', log: false });
 * const kit = createRegistry(decoderPlugins);
 * const architecture = await kit.create('architecture', 'qwen3');
 * const model = createModel(architecture, { vocabSize: 8, hiddenSize: 8, intermediateSize: 8, numHiddenLayers: 1, numAttentionHeads: 2 });
 * console.log(model.architecture.name); // → qwen3
 * ```
 */
export const decoderPlugins: DecoderPlugins = /* @__PURE__ */ makePlugins();

function makePlugins(): DecoderPlugins {
  return [
    architecturePlugin('gpt2', gpt2, 'Learned positions, layer norms, one matrix for queries, keys and values'),
    architecturePlugin('gpt_neox', gptNeox, 'Rotary positions on a part of each head, parallel residual'),
    architecturePlugin('llama', llama, 'Rotary positions, root-mean-square norms, gated feed-forward, grouped heads'),
    architecturePlugin('mistral', mistral, 'Llama with a sliding window'),
    architecturePlugin('qwen2', qwen2, 'Llama with biases on queries, keys and values'),
    architecturePlugin('qwen3', qwen3, 'Llama with norms of query and key heads'),
    architecturePlugin('gemma', gemma, 'Llama with gelu gates, scaled embeddings and norms around 1'),
    architecturePlugin('gemma2', gemma2, 'Gemma with soft caps, alternating windows and norms after each block'),
    architecturePlugin('gemma3_text', gemma3, 'Gemma with norms of query and key heads, and two rotary bases'),
    architecturePlugin('mixtral', mixtral, 'Mistral with a mixture of experts'),
  ];
}

/** One architecture as a plugin. */
export function architecturePlugin<N extends string, C extends ArchitectureConfig>(
  name: N,
  architecture: Architecture<C>,
  description: string,
): ArchitecturePlugin<N, C> {
  const create = (): Architecture<C> => architecture;
  return definePlugin({ kind: 'architecture', name, package: '@tesserae/core', apiVersion: 1, description, create });
}

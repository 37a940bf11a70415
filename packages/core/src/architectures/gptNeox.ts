/**
 * The GPT-NeoX form. Black et al.: "GPT-NeoX-20B" (2022), section 2.1; as Hugging Face's `GPTNeoXForCausalLM`. Layer norms
 * as in GPT-2, but rotary positions on the first features of each head, and attention and feed-forward layer side by side
 * on the same input (unless `useParallelResidual` is false). Also what Pythia is.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Architecture, ParameterSpec } from '../model/types';
import { activation } from '../nn/activation';
import { embed } from '../nn/embed';
import { layerNorm } from '../nn/layerNorm';
import type { RotaryTable } from '../nn/rotaryEmbedding';
import { parameterSpecs } from './blocks/parameterSpecs';
import { project } from './blocks/projection';
import type { Projection } from './blocks/projection';
import { defineDecoder } from './decoder';
import type { DecoderLayer } from './decoder';
import { configureGptNeox } from './gptNeoxConfig';
import type { GptNeoxConfig } from './gptNeoxConfig';
import { positionLimit, scaledRotaryTable } from './ropeScaling';
import type { RopeConfig } from './ropeScaling';

interface Norm {
  readonly weight: tf.Tensor; // [D]
  readonly bias?: tf.Tensor; // [D]
}

interface Layer {
  readonly attentionNorm: Norm;
  readonly attention: { readonly queryKeyValue: Projection; readonly output: Projection }; // [3D, D], [D, D]
  readonly feedForwardNorm: Norm;
  readonly feedForward: { readonly up: Projection; readonly down: Projection }; // [F, D], [D, F]
}

/** Rotary embeddings turn the first ⌊E · rotaryFraction⌋ features of a head. */
const ropeConfig = (config: GptNeoxConfig): RopeConfig => ({
  ...config,
  headDim: Math.floor((config.hiddenSize / config.numAttentionHeads) * config.rotaryFraction),
});

const norm = (x: tf.Tensor, { weight, bias }: Norm, { layerNormEpsilon: epsilon }: GptNeoxConfig): tf.Tensor =>
  layerNorm(x, { weight, bias, epsilon });

function block(x: tf.Tensor, weights: Layer, layer: DecoderLayer<GptNeoxConfig, RotaryTable>): tf.Tensor {
  const { config, context, shared: rotary, index, at } = layer;
  const { numAttentionHeads: heads, attentionDropout: dropout, hiddenDropout } = config;
  const attentionPart = { attentionNorm: weights.attentionNorm, attention: weights.attention };
  const feedForwardPart = { feedForwardNorm: weights.feedForwardNorm, feedForward: weights.feedForward };

  const output = context.replay('attention', x, attentionPart, (input, { attentionNorm, attention }) => {
    const normed = norm(input, attentionNorm, config); // [B, T, D]
    const joined = context.splitHeads(project(normed, attention.queryKeyValue), heads); // [B, H, T, 3E]
    const [query, key, value] = tf.split(joined, 3, 3); // [B, H, T, E] each
    const scale = Math.sqrt(heads / config.hiddenSize);
    const mixed = context.attend(`${at}.attention`, index, { query, key, value }, { scale, dropout, rotary }); // [B, T, D]
    return project(mixed, attention.output);
  });
  const attended = context.observe(`${at}.attention.output`, output); // [B, T, D]
  const afterAttention = context.observe(`${at}.afterAttention`, tf.add(x, context.drop(attended, hiddenDropout)));

  const start = config.useParallelResidual ? x : afterAttention; // [B, T, D]
  const fed = context.replay('feedForward', start, feedForwardPart, (input, { feedForwardNorm, feedForward }) => {
    const up = project(norm(input, feedForwardNorm, config), feedForward.up); // [B, T, F]
    const hidden = context.observe(`${at}.feedForward.hidden`, activation(config.hiddenAct)(up));
    return project(hidden, feedForward.down);
  });
  const down = context.observe(`${at}.feedForward.output`, fed); // [B, T, D]
  return context.observe(`${at}.output`, tf.add(afterAttention, context.drop(down, hiddenDropout)));
}

function parameters(config: GptNeoxConfig): ParameterSpec[] {
  const { vocabSize: V, hiddenSize: D, intermediateSize: F, attentionBias } = config;
  const make = parameterSpecs(config.initializerRange);
  return [
    make.matrix('tokenEmbedding', 'gpt_neox.embed_in', [V, D]),
    ...Array.from({ length: config.numHiddenLayers }, (_, index) => {
      const [at, name] = [`layers.${index}`, `gpt_neox.layers.${index}`];
      return [
        ...make.layerNorm(`${at}.attentionNorm`, `${name}.input_layernorm`, D),
        ...make.projection(
          `${at}.attention.queryKeyValue`,
          `${name}.attention.query_key_value`,
          [3 * D, D],
          attentionBias,
        ),
        ...make.projection(`${at}.attention.output`, `${name}.attention.dense`, [D, D], attentionBias),
        ...make.layerNorm(`${at}.feedForwardNorm`, `${name}.post_attention_layernorm`, D),
        ...make.projection(`${at}.feedForward.up`, `${name}.mlp.dense_h_to_4h`, [F, D], true),
        ...make.projection(`${at}.feedForward.down`, `${name}.mlp.dense_4h_to_h`, [D, F], true),
      ];
    }).flat(),
    ...make.layerNorm('finalNorm', 'gpt_neox.final_layer_norm', D),
  ];
}

/**
 * The GPT-NeoX form of the decoder-only transformer: GPT-NeoX-20B, Pythia, and their like.
 *
 * @example
 * ```ts
 * import { createModel, countParameters, gptNeox, selectBackend } from '@tesserae/core';
 *
 * await selectBackend({ prefer: 'cpu', log: false });
 * const size = { vocabSize: 10, hiddenSize: 8, intermediateSize: 16, numHiddenLayers: 1, numAttentionHeads: 2 };
 * console.log(countParameters(createModel(gptNeox, { ...size, rotaryFraction: 0.5 }))); // → 776
 * ```
 */
export const gptNeox: Architecture<GptNeoxConfig> = /* @__PURE__ */ defineDecoder<GptNeoxConfig, Layer, RotaryTable>({
  name: 'gpt_neox',
  configure: configureGptNeox,
  parameters,
  headNames: {
    causalLm: 'embed_out',
    sequenceClassification: 'score',
    tokenClassification: 'classifier',
    questionAnswering: 'qa_outputs',
  },
  positionLimit: (config) => positionLimit(ropeConfig(config)),
  endless: true,
  prepare: ({ config, context }) => scaledRotaryTable(context.positions, ropeConfig(config)),
  embed: ({ tokenEmbedding }, { inputs, config, context }) =>
    context.drop(embed(inputs.inputIds, tokenEmbedding.weight), config.hiddenDropout), // [B, T, D]
  block,
  normalize: norm,
});

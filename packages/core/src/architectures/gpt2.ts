/**
 * The GPT-2 form. Radford et al.: "Language Models are Unsupervised Multitask Learners" (2019), section 2.3; as
 * Hugging Face's `GPT2LMHeadModel`. Learned positions, layer norms before each block and one after the last, one matrix
 * for queries, keys and values, a two-matrix feed-forward layer, the token embedding again at the output.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Architecture } from '../model/types';
import type { Weight } from '../model/weight';
import { activation } from '../nn/activation';
import { embed } from '../nn/embed';
import { layerNorm } from '../nn/layerNorm';
import { linear } from '../nn/linear';
import { defineDecoder } from './decoder';
import type { DecoderLayer } from './decoder';
import { configureGpt2 } from './gpt2Config';
import type { Gpt2Config } from './gpt2Config';
import { gpt2Parameters } from './gpt2Parameters';
import { usualHeadNames } from './heads/decoderHead';

interface Norm {
  readonly weight: tf.Tensor; // [D]
  readonly bias: tf.Tensor; // [D]
}

interface Projection {
  readonly weight: Weight; // [in, out]
  readonly bias: tf.Tensor; // [out]
}

interface Layer {
  readonly attentionNorm: Norm;
  readonly attention: { readonly queryKeyValue: Projection; readonly output: Projection };
  readonly feedForwardNorm: Norm;
  readonly feedForward: { readonly up: Projection; readonly down: Projection };
}

function block(x: tf.Tensor, layer: Layer, { config, context, index, at }: DecoderLayer<Gpt2Config>): tf.Tensor {
  const { numAttentionHeads: heads, residualDropout } = config;
  const attentionPart = { attentionNorm: layer.attentionNorm, attention: layer.attention };
  const feedForwardPart = { feedForwardNorm: layer.feedForwardNorm, feedForward: layer.feedForward };

  const output = context.replay('attention', x, attentionPart, (input, { attentionNorm, attention }) => {
    const queryKeyValue = project(norm(input, attentionNorm, config), attention.queryKeyValue); // [B, T, 3D]
    const [query, key, value] = tf.split(queryKeyValue, 3, 2).map((part) => context.splitHeads(part, heads)); // [B, H, T, E]
    const scale =
      (config.scaleAttentionWeights ? Math.sqrt(heads / config.hiddenSize) : 1) /
      (config.scaleAttentionByInverseLayerIndex ? index + 1 : 1);
    const how = { scale, dropout: config.attentionDropout };
    const mixed = context.attend(`${at}.attention`, index, { query, key, value }, how); // [B, T, D]
    return project(mixed, attention.output);
  });
  const attended = context.observe(`${at}.attention.output`, output); // [B, T, D]
  x = context.observe(`${at}.afterAttention`, tf.add(x, context.drop(attended, residualDropout)));

  const fed = context.replay('feedForward', x, feedForwardPart, (input, { feedForwardNorm, feedForward }) => {
    const up = project(norm(input, feedForwardNorm, config), feedForward.up); // [B, T, F]
    const hidden = context.observe(`${at}.feedForward.hidden`, activation(config.hiddenAct)(up)); // [B, T, F]
    return project(hidden, feedForward.down);
  });
  const down = context.observe(`${at}.feedForward.output`, fed); // [B, T, D]
  return context.observe(`${at}.output`, tf.add(x, context.drop(down, residualDropout)));
}

function norm(x: tf.Tensor, { weight, bias }: Norm, config: Gpt2Config): tf.Tensor {
  return layerNorm(x, { weight, bias, epsilon: config.layerNormEpsilon });
}

function project(x: tf.Tensor, { weight, bias }: Projection): tf.Tensor {
  return linear(x, weight, { bias, layout: 'in-out' });
}

/**
 * The GPT-2 form of the decoder-only transformer: also what nanoGPT and most small GPTs are.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { createModel, gpt2 } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const model = createModel(gpt2, { vocabSize: 10, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 4 }, { seed: 1 });
 * const { logits } = gpt2.forward(model.params, { inputIds: tf.tensor2d([[1, 2, 3]], [1, 3], 'int32') }, { config: model.config });
 * console.log(logits.shape); // → [ 1, 3, 10 ]
 * ```
 */
export const gpt2: Architecture<Gpt2Config> = /* @__PURE__ */ defineDecoder<Gpt2Config, Layer, undefined>({
  name: 'gpt2',
  configure: configureGpt2,
  parameters: gpt2Parameters,
  headNames: { ...usualHeadNames, tokenClassification: 'classifier' },
  prepare: () => undefined,
  embed(params, { inputs, config, context }) {
    const { weight } = params.positionEmbedding as { weight: Weight }; // [maxPositionEmbeddings, D]
    const tokens = embed(inputs.inputIds, params.tokenEmbedding.weight); // [B, T, D]
    const positions = embed(context.positions, weight); // [T, D] or [B, T, D]
    return context.drop(tf.add(tokens, positions), config.embeddingDropout); // [B, T, D]
  },
  block,
  normalize: (x, { weight, bias }, { layerNormEpsilon: epsilon }) => layerNorm(x, { weight, bias, epsilon }),
});

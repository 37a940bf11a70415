/**
 * The Llama form. Touvron et al.: "LLaMA: Open and Efficient Foundation Language Models" (2023), section 2.2, with the
 * grouped key/value heads of Llama 2; as Hugging Face's `LlamaForCausalLM`. Rotary positions, root-mean-square norms
 * before each block and one after the last, a gated feed-forward layer, an output embedding of its own (or tied).
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Architecture, ForwardInputs, ForwardOptions, ForwardOutput, Params } from '../model/types';
import type { Weight } from '../model/weight';
import { activation } from '../nn/activation';
import { embed } from '../nn/embed';
import { linear } from '../nn/linear';
import { rmsNorm } from '../nn/rmsNorm';
import { rotaryEmbedding } from '../nn/rotaryEmbedding';
import type { RotaryTable } from '../nn/rotaryEmbedding';
import { swiglu } from '../nn/swiglu';
import { openForward, requireParams, tidyForward } from './forwardContext';
import type { ForwardContext } from './forwardContext';
import { configureLlama } from './llamaConfig';
import type { LlamaConfig } from './llamaConfig';
import { llamaParameters } from './llamaParameters';
import { positionLimit, scaledRotaryTable } from './ropeScaling';

interface Norm {
  readonly weight: tf.Tensor; // [D]
}

interface Projection {
  readonly weight: Weight; // [out, in]
  readonly bias?: tf.Tensor; // [out]
}

interface Layer {
  readonly attentionNorm: Norm;
  readonly attention: {
    readonly query: Projection;
    readonly key: Projection;
    readonly value: Projection;
    readonly output: Projection;
  };
  readonly feedForwardNorm: Norm;
  readonly feedForward: { readonly gate: Projection; readonly up: Projection; readonly down: Projection };
}

interface LlamaParams {
  readonly tokenEmbedding: { readonly weight: Weight }; // [V, D]
  readonly layers: readonly Layer[];
  readonly finalNorm: Norm;
  readonly outputEmbedding?: { readonly weight: Weight }; // [V, D]
}

function run(params: Params, inputs: ForwardInputs, options: ForwardOptions<LlamaConfig>): ForwardOutput {
  const { tokenEmbedding, layers, finalNorm, outputEmbedding } = params as unknown as LlamaParams;
  const { config } = options;
  const context = openForward('llama', inputs, options, positionLimit(config));
  const rotary = scaledRotaryTable(context.positions, config); // [T, E/2] or [B, T, E/2]

  let x = context.observe('embeddings', embed(inputs.inputIds, tokenEmbedding.weight)); // [B, T, D]
  layers.forEach((layer, index) => {
    x = block(x, layer, index, config, context, rotary); // [B, T, D]
  });

  x = context.observe('finalNorm', norm(x, finalNorm, config)); // [B, T, D]
  const logits = linear(context.positionsForLogits(x), (outputEmbedding ?? tokenEmbedding).weight); // [B, T, V]
  return context.finish(context.observe('logits', logits));
}

function forward(params: Params, inputs: ForwardInputs, options: ForwardOptions<LlamaConfig>): ForwardOutput {
  requireParams('llama', params, llamaParameters(options.config));
  return tidyForward(options.capture, () => run(params, inputs, options));
}

function block(
  x: tf.Tensor,
  layer: Layer,
  index: number,
  config: LlamaConfig,
  context: ForwardContext,
  rotary: RotaryTable,
): tf.Tensor {
  const at = `layers.${index}`;

  const normed = norm(x, layer.attentionNorm, config); // [B, T, D]
  const query = rotaryEmbedding(
    context.splitHeads(project(normed, layer.attention.query), config.numAttentionHeads),
    rotary,
  ); // [B, H, T, E]
  const key = rotaryEmbedding(
    context.splitHeads(project(normed, layer.attention.key), config.numKeyValueHeads),
    rotary,
  ); // [B, K, T, E]
  const value = context.splitHeads(project(normed, layer.attention.value), config.numKeyValueHeads); // [B, K, T, E]
  const scale = 1 / Math.sqrt(config.headDim);
  const mixed = context.attend(
    `${at}.attention`,
    index,
    { query, key, value },
    { scale, dropout: config.attentionDropout },
  ); // [B, T, H·E]
  const attended = context.observe(`${at}.attention.output`, project(mixed, layer.attention.output)); // [B, T, D]
  x = context.observe(`${at}.afterAttention`, tf.add(x, attended));

  const hidden = context.observe(
    `${at}.feedForward.hidden`,
    feed(norm(x, layer.feedForwardNorm, config), layer, config),
  ); // [B, T, F]
  const down = context.observe(`${at}.feedForward.output`, project(hidden, layer.feedForward.down)); // [B, T, D]
  return context.observe(`${at}.output`, tf.add(x, down));
}

function feed(x: tf.Tensor, { feedForward }: Layer, { hiddenAct }: LlamaConfig): tf.Tensor {
  const gate = project(x, feedForward.gate); // [B, T, F]
  const up = project(x, feedForward.up); // [B, T, F]
  return hiddenAct === 'silu' || hiddenAct === 'swish' ? swiglu(gate, up) : tf.mul(activation(hiddenAct)(gate), up);
}

function norm(x: tf.Tensor, { weight }: Norm, config: LlamaConfig): tf.Tensor {
  return rmsNorm(x, weight, { epsilon: config.rmsNormEpsilon });
}

function project(x: tf.Tensor, { weight, bias }: Projection): tf.Tensor {
  return linear(x, weight, { bias, layout: 'out-in' });
}

/**
 * The Llama form of the decoder-only transformer: Llama 1 to 3, TinyLlama, SmolLM, llama2.c and their like.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { createModel, llama } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const size = { vocabSize: 10, hiddenSize: 8, intermediateSize: 16, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 4 };
 * const model = createModel(llama, size, { seed: 1 });
 * const { logits } = llama.forward(model.params, { inputIds: tf.tensor2d([[1, 2, 3]], [1, 3], 'int32') }, { config: model.config });
 * console.log(logits.shape); // → [ 1, 3, 10 ]
 * ```
 */
export const llama: Architecture<LlamaConfig> = {
  name: 'llama',
  configure: configureLlama,
  parameters: llamaParameters,
  forward,
};

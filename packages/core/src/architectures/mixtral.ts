/**
 * The Mixtral form. Jiang et al.: "Mixtral of Experts" (2024), section 2; as Hugging Face's `MixtralForCausalLM`. Mistral,
 * but with several feed-forward layers (experts), of which each token takes a few.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Architecture, ParameterSpec } from '../model/types';
import { rmsNorm } from '../nn/rmsNorm';
import type { RotaryTable } from '../nn/rotaryEmbedding';
import { loadBalance, mixtureOfExperts } from './blocks/mixtureOfExperts';
import type { ExpertsWeights } from './blocks/mixtureOfExperts';
import { selfAttention } from './blocks/selfAttention';
import { configError, requireCounts, requireRange } from './checkConfig';
import { defineDecoder } from './decoder';
import type { DecoderLayer, DecoderPass } from './decoder';
import { checkWindow } from './layerTypes';
import { llamaParts } from './llama';
import type { LlamaLayer } from './llama';
import { configureRotaryDecoder, llamaDefaults } from './rotaryDecoderConfig';
import type { RotaryDecoderConfig, RotaryDecoderDefaults } from './rotaryDecoderConfig';
import { rotaryDecoderParameters } from './rotaryDecoderParameters';

/** The Mixtral form; beside each field its name in config.json. */
export interface MixtralConfig extends RotaryDecoderConfig {
  /** `sliding_window`: how many keys a query sees, its own among them; all when null. */
  readonly slidingWindow: number | null;
  /** `num_local_experts` */
  readonly numLocalExperts: number;
  /** `num_experts_per_tok` */
  readonly numExpertsPerToken: number;
  /** `output_router_logits`: the loss gets the experts' balance added. */
  readonly outputRouterLogits: boolean;
  /** `router_aux_loss_coef`: how much of it. */
  readonly routerAuxLossCoefficient: number;
  /** `router_jitter_noise`: in training what enters the experts is multiplied by 1 ± up to this. */
  readonly routerJitterNoise: number;
}

interface Layer extends Omit<LlamaLayer, 'feedForward'> {
  readonly feedForward: ExpertsWeights;
}

interface Shared {
  readonly rotary: RotaryTable;
  /** Each layer's router logits [N, experts], as they are made. */
  readonly routerLogits: tf.Tensor[];
}

const defaults: RotaryDecoderDefaults<MixtralConfig> = {
  ...llamaDefaults,
  intermediateSize: 14336,
  maxPositionEmbeddings: 131072,
  rmsNormEpsilon: 1e-5,
  ropeTheta: 1_000_000,
  slidingWindow: null,
  numLocalExperts: 8,
  numExpertsPerToken: 2,
  outputRouterLogits: false,
  routerAuxLossCoefficient: 0.001,
  routerJitterNoise: 0,
};

function configure(given: Partial<MixtralConfig>): MixtralConfig {
  const config = configureRotaryDecoder('mixtral', defaults, given);
  checkWindow('mixtral', config.slidingWindow);
  requireCounts('mixtral', config, ['numLocalExperts', 'numExpertsPerToken']);
  requireRange('mixtral', config, ['routerAuxLossCoefficient'], 0, Infinity);
  requireRange('mixtral', config, ['routerJitterNoise'], 0, 1);
  const { numExpertsPerToken: chosen, numLocalExperts: experts } = config;
  if (chosen > experts) {
    throw configError('mixtral', `a token cannot take ${chosen} of ${experts} experts`, `use ${experts} or fewer`);
  }
  return config;
}

function parameters(config: MixtralConfig): ParameterSpec[] {
  const { hiddenSize: D, intermediateSize: F, numLocalExperts } = config;
  return rotaryDecoderParameters(config, {
    feedForward: (at, name, make) => [
      make.matrix(`${at}.feedForward.router`, `${name}.block_sparse_moe.gate`, [numLocalExperts, D]),
      ...Array.from({ length: numLocalExperts }, (_, i) => [
        make.matrix(`${at}.feedForward.experts.${i}.gate`, `${name}.block_sparse_moe.experts.${i}.w1`, [F, D]),
        make.matrix(`${at}.feedForward.experts.${i}.up`, `${name}.block_sparse_moe.experts.${i}.w3`, [F, D]),
        make.matrix(`${at}.feedForward.experts.${i}.down`, `${name}.block_sparse_moe.experts.${i}.w2`, [D, F]),
      ]).flat(),
    ],
  });
}

function block(x: tf.Tensor, weights: Layer, layer: DecoderLayer<MixtralConfig, Shared>): tf.Tensor {
  const { config, context, shared, at } = layer;
  const norm = (value: tf.Tensor, weight: tf.Tensor): tf.Tensor =>
    rmsNorm(value, weight, { epsilon: config.rmsNormEpsilon });

  const options = { rotary: shared.rotary, window: config.slidingWindow };
  const attended = selfAttention(norm(x, weights.attentionNorm.weight), weights.attention, layer, options); // [B, T, D]
  x = context.observe(`${at}.afterAttention`, tf.add(x, attended));
  const input = context.jitter(norm(x, weights.feedForwardNorm.weight), config.routerJitterNoise); // [B, T, D]
  const { output, routerLogits } = mixtureOfExperts(input, weights.feedForward, layer);
  shared.routerLogits.push(routerLogits);
  return context.observe(`${at}.output`, tf.add(x, output));
}

function auxiliaryLoss(pass: DecoderPass<MixtralConfig, Shared>): tf.Tensor | undefined {
  const { config, context, inputs, shared } = pass;
  if (!config.outputRouterLogits || inputs.cache) return undefined; // nothing is trained through a cache
  const { sequenceIds } = inputs;
  const attentionMask = inputs.attentionMask ?? (sequenceIds && tf.greater(sequenceIds, tf.scalar(0, 'int32')));
  const mask = attentionMask && tf.reshape(tf.cast(attentionMask, 'float32'), [attentionMask.size, 1]); // [N, 1]
  const balance = loadBalance(shared.routerLogits, config.numExpertsPerToken, mask);
  return tf.mul(context.observe('loadBalance', balance), config.routerAuxLossCoefficient);
}

/**
 * The Mixtral form of the decoder-only transformer: a mixture of experts.
 *
 * @example
 * ```ts
 * import { createModel, countParameters, mixtral, selectBackend } from '@tesserae/core';
 *
 * await selectBackend({ prefer: 'cpu', log: false });
 * const size = { vocabSize: 10, hiddenSize: 8, intermediateSize: 16, numHiddenLayers: 1, numAttentionHeads: 2, numLocalExperts: 4 };
 * console.log(countParameters(createModel(mixtral, size))); // → 2008
 * ```
 */
export const mixtral: Architecture<MixtralConfig> = /* @__PURE__ */ defineDecoder<MixtralConfig, Layer, Shared>({
  ...llamaParts,
  name: 'mixtral',
  configure,
  parameters,
  prepare: (pass) => ({ rotary: llamaParts.prepare(pass), routerLogits: [] }),
  block,
  auxiliaryLoss,
});

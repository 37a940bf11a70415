import type * as tf from '@tensorflow/tfjs-core';
import type {
  Architecture,
  ForwardInputs,
  ForwardOptions,
  ForwardOutput,
  ModelHead,
  ParameterSpec,
  Params,
} from '../model/types';
import { seedForms } from '../model/forms/seedForms';
import type { Weight } from '../model/weight';
import { checkPattern } from './checkConfig';
import { tesseraeError } from '@tesserae/registry';
import { openForward, requireParams, tidyForward } from './forwardContext';
import type { ForwardContext } from './forwardContext';
import {
  applyDecoderHead,
  checkDecoderHead,
  decoderHead,
  decoderHeadParameters,
  decoderHeads,
  decoderOutputLayer,
  usualHeadNames,
} from './heads/decoderHead';
import type { DecoderHeadConfig, DecoderHeadNames, DecoderHeadParams } from './heads/decoderHead';

/** What one forward pass of a decoder works with. */
export interface DecoderPass<C, S = unknown> {
  readonly config: C;
  readonly context: ForwardContext;
  readonly inputs: ForwardInputs;
  /** What `prepare` made, once for all layers. */
  readonly shared: S;
}

/** What one of its layers works with. */
export interface DecoderLayer<C, S = unknown> extends DecoderPass<C, S> {
  /** The layer's number, from 0. */
  readonly index: number;
  /** `layers.3`: what its captured values are called. */
  readonly at: string;
}

/** What a decoder's parameter tree has beside its layers, which are the architecture's own. */
export interface DecoderParams<L> extends DecoderHeadParams {
  readonly tokenEmbedding: { readonly weight: Weight }; // [V, D]
  readonly layers: readonly L[];
  readonly finalNorm: { readonly weight: tf.Tensor; readonly bias?: tf.Tensor }; // [D]
}

/** What makes one decoder-only architecture differ from the others. */
export interface DecoderDefinition<C extends DecoderHeadConfig, L, S> {
  /** The `model_type` of config.json. */
  readonly name: string;
  /** Completes and checks a config; throws E_CONFIG. */
  configure(given: Partial<C>): C;
  /** Every weight but the head's: `tokenEmbedding.weight`, `layers.0…`, `finalNorm.weight` among them. */
  parameters(config: C): ParameterSpec[];
  /** What heads are called in checkpoints; Llama's names when absent. */
  readonly headNames?: DecoderHeadNames | undefined;
  /** The heads it has; all when absent. */
  readonly heads?: readonly ModelHead[] | undefined;
  /** How many positions it takes; `maxPositionEmbeddings` when absent. */
  positionLimit?(config: C): number;
  /** Whether positions count only by their distance, as rotary ones do; see {@link Architecture}. */
  readonly endless?: boolean | undefined;
  /** Makes what all layers share, such as rotary tables. */
  prepare(pass: Omit<DecoderPass<C, S>, 'shared'>): S;
  /** Ids to vectors [B, T, D]. */
  embed(params: DecoderParams<L> & Params, pass: DecoderPass<C, S>): tf.Tensor;
  /** One layer: [B, T, D] → [B, T, D]. */
  block(x: tf.Tensor, weights: L, layer: DecoderLayer<C, S>): tf.Tensor;
  /** The norm after the last layer: [B, T, D] → [B, T, D]. */
  normalize(x: tf.Tensor, norm: DecoderParams<L>['finalNorm'], config: C): tf.Tensor;
  /** Changes the logits of a language model. */
  finishLogits?(logits: tf.Tensor, config: C): tf.Tensor;
  /** What it adds to the loss, already weighted: a scalar. */
  auxiliaryLoss?(pass: DecoderPass<C, S>): tf.Tensor | undefined;
}

/**
 * Makes a decoder-only architecture from what is its own: embedding, block, norm. Inputs, cache, masks, positions,
 * capture and heads (language model, sequence and token classification, question answering, none) are the same for all.
 *
 * Captured are `embeddings`, whatever the block shows under `layers.N`, `finalNorm` and `logits`.
 *
 * @param definition the architecture's own parts
 * @returns the architecture, as `createModel` takes it
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { configureRotaryDecoder, createModel, defineDecoder, embedTokens, gatedFeedForward, llamaDefaults } from '@tesserae/core';
 * import { rmsNorm, rotaryDecoderParameters, scaledRotaryTable, selfAttention } from '@tesserae/core';
 * import type { AttentionWeights, GatedWeights, RotaryDecoderConfig, RotaryTable } from '@tesserae/core';
 *
 * // As in PaLM: one norm a layer, attention and feed-forward layer side by side.
 * type Layer = { norm: { weight: tf.Tensor }; attention: AttentionWeights; feedForward: GatedWeights };
 * const palm = defineDecoder<RotaryDecoderConfig, Layer, RotaryTable>({
 *   name: 'palm',
 *   configure: (given) => configureRotaryDecoder('palm', llamaDefaults, given),
 *   parameters: (config) => rotaryDecoderParameters(config, { layerNorms: { norm: 'input_layernorm' } }),
 *   prepare: ({ context, config }) => scaledRotaryTable(context.positions, config),
 *   embed: embedTokens,
 *   block(x, { norm, attention, feedForward }, layer) {
 *     const input = rmsNorm(x, norm.weight); // [B, T, D]
 *     const attended = selfAttention(input, attention, layer, { rotary: layer.shared }); // [B, T, D]
 *     const sum = tf.add(tf.add(x, attended), gatedFeedForward(input, feedForward, layer)); // [B, T, D]
 *     return layer.context.observe(`${layer.at}.output`, sum);
 *   },
 *   normalize: (x, { weight }) => rmsNorm(x, weight),
 * });
 *
 * await tf.setBackend('cpu');
 * const model = createModel(palm, { vocabSize: 10, hiddenSize: 8, intermediateSize: 16, numHiddenLayers: 1, numAttentionHeads: 2 });
 * const inputIds = tf.tensor2d([[1, 2, 3]], [1, 3], 'int32');
 * console.log(palm.forward(model.params, { inputIds }, { config: model.config }).logits.shape); // → [ 1, 3, 10 ]
 * ```
 */
export function defineDecoder<C extends DecoderHeadConfig, L, S>(
  definition: DecoderDefinition<C, L, S>,
): Architecture<C> {
  const { name, headNames = usualHeadNames, heads = decoderHeads } = definition;
  const parameters = (config: C): ParameterSpec[] => [
    ...definition.parameters(config),
    ...decoderHeadParameters(config, headNames),
  ];
  return {
    name,
    parameters,
    endless: definition.endless ?? false,
    recomputes: true,
    packs: true,
    configure({ attention, ...given }) {
      const own = definition.configure(given as Partial<C>);
      const config = attention === undefined ? own : { ...own, attention: checkPattern(name, attention) };
      checkDecoderHead(name, config, heads);
      return config;
    },
    forward(params, inputs, options) {
      requireParams(name, params, parameters(options.config));
      return tidyForward(options.capture, () => run(definition, seedForms(params, options), inputs, options));
    },
  };
}

function run<C extends DecoderHeadConfig, L, S>(
  definition: DecoderDefinition<C, L, S>,
  params: Params,
  inputs: ForwardInputs,
  options: ForwardOptions<C>,
): ForwardOutput {
  const { name } = definition;
  const { config } = options;
  const tree = params as unknown as DecoderParams<L> & Params;
  const streams = definition.endless === true && config.attention?.stream !== undefined;
  const limit = streams ? Infinity : (definition.positionLimit?.(config) ?? config.maxPositionEmbeddings);
  const routed = definition.auxiliaryLoss && (config as { outputRouterLogits?: boolean }).outputRouterLogits === true;
  if (routed && options.training && options.recompute === 'blocks') throw routersRunAgain(name);
  const context = openForward(name, inputs, options, limit);
  const shared = definition.prepare({ config, context, inputs });
  context.own(shared);
  const pass: DecoderPass<C, S> = { config, context, inputs, shared };

  let x = context.observe('embeddings', definition.embed(tree, pass)); // [B, T, D]
  tree.layers.forEach((weights, index) => {
    const layer = { ...pass, index, at: `layers.${index}` };
    x = context.replay('blocks', x, weights, (value, tree) => definition.block(value, tree, layer)); // [B, T, D]
  });
  x = context.observe('finalNorm', definition.normalize(x, tree.finalNorm, config)); // [B, T, D]

  const isLanguageModel = decoderHead(config) === 'causal-lm';
  const finish = (raw: tf.Tensor): tf.Tensor => definition.finishLogits?.(raw, config) ?? raw;
  const auxiliaryLoss = isLanguageModel ? definition.auxiliaryLoss?.(pass) : undefined;
  if (isLanguageModel && options.logits === 'none') {
    const outputLayer = decoderOutputLayer(tree, config, finish);
    return { ...context.finish(x), hiddenStates: x, outputLayer, ...(auxiliaryLoss && { auxiliaryLoss }) };
  }
  const raw = applyDecoderHead(name, x, tree, config, inputs.inputIds, context);
  const logits = isLanguageModel ? finish(raw) : raw;
  return { ...context.finish(context.observe('logits', logits)), ...(auxiliaryLoss && { auxiliaryLoss }) };
}

/** What a layer shows beside its output would be made twice, and only once with a gradient. */
const routersRunAgain = (name: string): Error =>
  tesseraeError({
    package: 'core',
    code: 'E_OPTION',
    message: `${name}: layers whose routers' logits are part of the loss cannot run again as a whole`,
    fix: "use recompute: ['attention'], or outputRouterLogits: false",
  });

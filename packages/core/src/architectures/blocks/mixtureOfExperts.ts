import * as tf from '@tensorflow/tfjs-core';
import { sizes } from '../../nn/shapes';
import { topKMask } from '../../nn/topKMask';
import type { DecoderLayer } from '../decoder';
import { gatedHidden } from './gatedFeedForward';
import type { GatedWeights } from './gatedFeedForward';
import { project } from './projection';
import type { Projection } from './projection';

/** The weights of a layer of experts. */
export interface ExpertsWeights {
  /** [experts, D]. */
  readonly router: Projection;
  readonly experts: readonly GatedWeights[];
}

/** What a layer of experts reads of the config. */
export interface ExpertsConfig {
  readonly hiddenAct: string;
  readonly numExpertsPerToken: number;
}

/** Low enough that softmax gives an expert that was not chosen nothing. */
const never = -1e9;

/**
 * A feed-forward layer of experts: each token goes to the few that its router rates highest, and gets their outputs
 * weighted by the softmax of these ratings. Jiang et al.: "Mixtral of Experts" (2024), section 2.1.
 *
 * Every expert computes every token, and what was not chosen counts nothing: exact, one static program, at the cost of
 * experts / chosen times the products. Captured are `router.logits` [N, experts], `router.weights` and
 * `feedForward.output`.
 *
 * @param x [B, T, D], normed; N = B · T tokens
 * @param weights the router and the experts
 * @param layer the layer: its config gives the activation and how many experts a token gets
 * @returns the output [B, T, D] and the router's logits [N, experts]
 * @example
 * ```ts
 * import { createCapture, createModel, mixtral, selectBackend } from '@tesserae/core';
 * import * as tf from '@tensorflow/tfjs-core';
 *
 * await selectBackend({ prefer: 'cpu', log: false });
 * const size = { vocabSize: 10, hiddenSize: 8, intermediateSize: 16, numHiddenLayers: 1, numAttentionHeads: 2 };
 * const model = createModel(mixtral, { ...size, numLocalExperts: 4 }); // its block has one
 * const capture = createCapture({ names: ['layers.0.router.weights'] });
 * mixtral.forward(model.params, { inputIds: tf.tensor2d([[1, 2]], [1, 2], 'int32') }, { config: model.config, capture });
 * console.log(capture.values['layers.0.router.weights'].shape); // → [ 2, 4 ]
 * ```
 */
export function mixtureOfExperts(
  x: tf.Tensor,
  { router, experts }: ExpertsWeights,
  { config, context, at }: DecoderLayer<ExpertsConfig>,
): { output: tf.Tensor; routerLogits: tf.Tensor } {
  const [batch, time, width] = sizes(x);
  const rows = batch * time;
  const tokens = tf.reshape(x, [rows, width]); // [N, D]
  const routerLogits = context.observe(`${at}.router.logits`, project(tokens, router)); // [N, experts]
  const others = tf.sub(1, topKMask(routerLogits, config.numExpertsPerToken)); // [N, experts]
  const shares = tf.softmax(tf.add(routerLogits, tf.mul(others, never))); // [N, experts]
  const chosen = context.observe(`${at}.router.weights`, shares);
  const outputs = experts.map((expert, index) => {
    const output = project(gatedHidden(tokens, expert, config.hiddenAct), expert.down); // [N, D]
    return tf.mul(output, tf.slice(chosen, [0, index], [rows, 1])); // [N, D]
  });
  const sum = tf.reshape(
    outputs.reduce((one, other) => tf.add(one, other)),
    [batch, time, width],
  );
  return { output: context.observe(`${at}.feedForward.output`, sum), routerLogits };
}

/**
 * How unevenly tokens are spread over experts: experts · Σₑ (share of tokens sent to e) · (mean probability of e), over
 * all layers' tokens together; k when they are spread evenly. Only the probabilities take a gradient.
 * Fedus et al.: "Switch Transformers" (2021), equations 4 to 6; as Hugging Face's Mixtral.
 *
 * @param routerLogits of each layer [N, experts]
 * @param k how many experts a token gets
 * @param mask 1 for tokens that count [N, 1]; all when absent
 * @returns a scalar
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { loadBalance } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const even = loadBalance([tf.tensor2d([[9, 0], [0, 9]])], 1);
 * const uneven = loadBalance([tf.tensor2d([[9, 0], [9, 0]])], 1);
 * console.log(even.dataSync()[0].toFixed(2), uneven.dataSync()[0].toFixed(2)); // → 1.00 2.00
 * ```
 */
export function loadBalance(routerLogits: readonly tf.Tensor[], k: number, mask?: tf.Tensor): tf.Tensor {
  const [rows, experts] = sizes(routerLogits[0]);
  const counted = (values: tf.Tensor): tf.Tensor => tf.sum(mask ? tf.mul(values, mask) : values, 0); // [experts]
  const add = (one: tf.Tensor, other: tf.Tensor): tf.Tensor => tf.add(one, other);
  const sent = routerLogits.map((logits) => counted(topKMask(logits, k))).reduce(add); // [experts]
  const probability = routerLogits.map((logits) => counted(tf.softmax(logits))).reduce(add); // [experts]
  const tokens = tf.mul(mask ? tf.sum(mask) : rows, routerLogits.length); // []
  return tf.mul(tf.sum(tf.mul(tf.div(sent, tokens), tf.div(probability, tokens))), experts);
}

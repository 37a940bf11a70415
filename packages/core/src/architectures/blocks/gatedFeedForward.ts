import * as tf from '@tensorflow/tfjs-core';
import { activation } from '../../nn/activation';
import { swiglu } from '../../nn/swiglu';
import type { DecoderLayer } from '../decoder';
import { project } from './projection';
import type { Projection } from './projection';

/** The weights of a gated feed-forward layer. */
export interface GatedWeights {
  /** [F, D]. */
  readonly gate: Projection;
  /** [F, D]. */
  readonly up: Projection;
  /** [D, F]. */
  readonly down: Projection;
}

/** act(gate) · up, before the way down: [..., D] → [..., F]. */
export function gatedHidden(x: tf.Tensor, weights: Omit<GatedWeights, 'down'>, hiddenAct: string): tf.Tensor {
  const gate = project(x, weights.gate); // [..., F]
  const up = project(x, weights.up); // [..., F]
  return hiddenAct === 'silu' || hiddenAct === 'swish' ? swiglu(gate, up) : tf.mul(activation(hiddenAct)(gate), up);
}

/**
 * The gated feed-forward layer: (act(x Wgᵀ) · (x Wuᵀ)) Wdᵀ. Captured are `feedForward.hidden` and `feedForward.output`.
 * Shazeer: "GLU Variants Improve Transformer" (2020), section 2.
 *
 * @param x [B, T, D], normed
 * @param weights three projections, with or without biases
 * @param layer the layer: its config gives the activation
 * @returns [B, T, D]
 * @throws E_ACTIVATION on an unknown activation
 * @example
 * ```ts
 * import { createCapture, createModel, llama, selectBackend } from '@tesserae/core';
 * import * as tf from '@tensorflow/tfjs-core';
 *
 * await selectBackend({ prefer: 'cpu', log: false });
 * const size = { vocabSize: 10, hiddenSize: 8, intermediateSize: 16, numHiddenLayers: 1, numAttentionHeads: 2 };
 * const model = createModel(llama, size); // its block has one
 * const capture = createCapture({ names: ['layers.0.feedForward.hidden'] });
 * llama.forward(model.params, { inputIds: tf.tensor2d([[1, 2]], [1, 2], 'int32') }, { config: model.config, capture });
 * console.log(capture.values['layers.0.feedForward.hidden'].shape); // → [ 1, 2, 16 ]
 * ```
 */
export function gatedFeedForward(
  x: tf.Tensor,
  weights: GatedWeights,
  { config, context, at }: DecoderLayer<{ readonly hiddenAct: string }>,
): tf.Tensor {
  const output = context.replay('feedForward', x, weights, (value, tree) => {
    const hidden = context.observe(`${at}.feedForward.hidden`, gatedHidden(value, tree, config.hiddenAct)); // [B, T, F]
    return project(hidden, tree.down);
  });
  return context.observe(`${at}.feedForward.output`, output); // [B, T, D]
}

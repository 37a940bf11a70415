import * as tf from '@tensorflow/tfjs-core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, rules } from '../options';
import type { Optimizer } from './optimizer';

/** Options of {@link lion}; the defaults are the paper's. */
export interface LionOptions {
  /** The rate when no schedule is given; a third to a tenth of AdamW's. */
  readonly learningRate?: number;
  /** Share of the memory in the direction of a step: 0.9. */
  readonly beta1?: number;
  /** Share of the memory that survives a step: 0.99. */
  readonly beta2?: number;
  /** Share of the rate by which parameters shrink towards zero each step: 0; three to ten times AdamW's. */
  readonly weightDecay?: number;
}

/**
 * Evolved sign momentum: every parameter moves by the same amount, only the direction is learned. Remembers one tensor a
 * parameter where Adam remembers two.
 *
 * p ← p·(1 - lr·decay) - lr · sign(β₁m + (1-β₁)g), m ← β₂m + (1-β₂)g
 *
 * @param options learning rate, betas and weight decay
 * @returns an optimizer, pure functions over lists of tensors
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be
 *
 * Reference: Chen et al., "Symbolic Discovery of Optimization Algorithms" (2023), algorithm 2.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * import { lion } from '@tesserae/trainer';
 * const optimizer = lion();
 * const parameters = [tf.tensor1d([1, -2])];
 * const next = optimizer.update([tf.tensor1d([0.5, -3])], optimizer.init(parameters), parameters, {
 *   learningRate: tf.scalar(0.25),
 *   step: tf.scalar(1),
 *   decay: [true],
 * });
 * console.log(Array.from(next.parameters[0].dataSync())); // → [ 0.75, -1.75 ]
 * ```
 */
export const lion: Plugin<'optimizer', 'lion', (options?: LionOptions) => Optimizer> = /* @__PURE__ */ definePlugin({
  kind: 'optimizer',
  name: 'lion',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'Evolved sign momentum',
  create: createLion,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'optimizer:lion': typeof lion;
  }
}

function createLion(options: LionOptions = {}): Optimizer {
  checkOptions<LionOptions>('lion', options, {
    learningRate: rules.positive,
    beta1: rules.fraction,
    beta2: rules.fraction,
    weightDecay: rules.nonNegative,
  });
  const { learningRate, beta1 = 0.9, beta2 = 0.99, weightDecay = 0 } = options;
  return {
    name: 'lion',
    hyperparameters: { beta1, beta2, weightDecay },
    learningRate,
    init: (parameters) => ({ mean: parameters.map((parameter) => tf.zeros(parameter.shape)) }),
    update(gradients, { mean }, parameters, { learningRate: rate, decay }) {
      const keep = tf.sub(1, tf.mul(rate, weightDecay)); // []
      const blend = (m: tf.Tensor, g: tf.Tensor, beta: number): tf.Tensor =>
        tf.add(tf.mul(m, beta), tf.mul(g, 1 - beta));
      return {
        parameters: parameters.map((parameter, i) => {
          const kept = weightDecay > 0 && decay[i] ? tf.mul(parameter, keep) : parameter;
          return tf.sub(kept, tf.mul(tf.sign(blend(mean[i], gradients[i], beta1)), rate));
        }),
        state: { mean: mean.map((m, i) => blend(m, gradients[i], beta2)) },
      };
    },
  };
}

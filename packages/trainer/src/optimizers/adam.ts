import * as tf from '@tensorflow/tfjs-core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, rules } from '../options';
import { scaleGradients } from './clip-gradients';
import { initMoments, momentUpdate } from './moments';
import type { MomentState } from './moments';
import type { Optimizer } from './optimizer';

/** Options of {@link adam}; the defaults are PyTorch's. */
export interface AdamOptions {
  /** The rate when no schedule is given. */
  readonly learningRate?: number;
  /** Share of the running mean of gradients that survives a step: 0.9. */
  readonly beta1?: number;
  /** Share of the running mean of squared gradients that survives a step: 0.999. */
  readonly beta2?: number;
  /** Added to the root of the second mean: 1e-8. */
  readonly eps?: number;
  /** Strength of the L2 penalty, whose gradient decay·p is added to the gradient: 0. Norms and biases are left alone. */
  readonly weightDecay?: number;
}

/**
 * Adam, with weight decay as an L2 penalty.
 *
 * g ← g + decay·p, m ← β₁m + (1-β₁)g, v ← β₂v + (1-β₂)g², p ← p - lr · m̂ / (√v̂ + eps). Prefer `adamw`, whose decay
 * does not depend on the size of the gradients.
 *
 * @param options learning rate, betas, eps and weight decay
 * @returns an optimizer, pure functions over lists of tensors
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be
 *
 * Reference: Kingma and Ba, "Adam: A Method for Stochastic Optimization", algorithm 1; equals `torch.optim.Adam`.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * import { adam } from '@tesserae/trainer';
 * const optimizer = adam();
 * const parameters = [tf.tensor1d([1])];
 * const next = optimizer.update([tf.tensor1d([20])], optimizer.init(parameters), parameters, {
 *   learningRate: tf.scalar(0.25),
 *   step: tf.scalar(1),
 *   decay: [true],
 * });
 * console.log(next.parameters[0].dataSync()[0].toFixed(3)); // → 0.750
 * ```
 */
export const adam: Plugin<'optimizer', 'adam', (options?: AdamOptions) => Optimizer> = /* @__PURE__ */ definePlugin({
  kind: 'optimizer',
  name: 'adam',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'Adam, with weight decay as an L2 penalty',
  create: createAdam,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'optimizer:adam': typeof adam;
  }
}

function createAdam(options: AdamOptions = {}): Optimizer {
  checkOptions<AdamOptions>('adam', options, {
    learningRate: rules.positive,
    beta1: rules.fraction,
    beta2: rules.fraction,
    eps: rules.positive,
    weightDecay: rules.nonNegative,
  });
  const { learningRate, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weightDecay = 0 } = options;
  return {
    name: 'adam',
    hyperparameters: { beta1, beta2, eps, weightDecay },
    scalesGradients: true,
    positiveSlots: ['variance'],
    learningRate,
    init: initMoments,
    update(gradients, state, parameters, { learningRate, decay, gradientScale }) {
      const penalized = scaleGradients(gradients, gradientScale).map((g, i) =>
        weightDecay > 0 && decay[i] ? tf.add(g, tf.mul(parameters[i], weightDecay)) : g,
      );
      const keep = parameters.map(() => undefined);
      return momentUpdate(penalized, state as MomentState, parameters, { learningRate, keep, beta1, beta2, eps });
    },
  };
}

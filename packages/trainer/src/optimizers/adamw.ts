import * as tf from '@tensorflow/tfjs-core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, rules } from '../options';
import { initMoments, momentUpdate } from './moments';
import type { MomentState } from './moments';
import type { Optimizer } from './optimizer';

/** Options of {@link adamw}; the defaults are PyTorch's. */
export interface AdamWOptions {
  /** The rate when no schedule is given. */
  readonly learningRate?: number;
  /** Share of the running mean of gradients that survives a step: 0.9. */
  readonly beta1?: number;
  /** Share of the running mean of squared gradients that survives a step: 0.999; 0.95 is usual for language models. */
  readonly beta2?: number;
  /** Added to the root of the second mean, so that it never divides by zero: 1e-8. */
  readonly eps?: number;
  /** Share of the rate by which parameters shrink towards zero each step: 0.01. Norms and biases are left alone. */
  readonly weightDecay?: number;
}

/**
 * Adam with decoupled weight decay.
 *
 * m ← β₁m + (1-β₁)g, v ← β₂v + (1-β₂)g², p ← p·(1 - lr·decay) - lr · m̂ / (√v̂ + eps), where m̂ = m/(1-β₁ᵗ) and
 * v̂ = v/(1-β₂ᵗ). A larger `beta1` smooths the direction, a larger `beta2` the size of steps; a larger `eps` makes small
 * gradients take small steps.
 *
 * @param options learning rate, betas, eps and weight decay
 * @returns an optimizer, pure functions over lists of tensors
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be
 *
 * Reference: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", algorithm 2; equals `torch.optim.AdamW`.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * import { adamw } from '@tesserae/trainer';
 * const optimizer = adamw({ weightDecay: 0 });
 * const parameters = [tf.tensor1d([1, -2])];
 * const next = optimizer.update([tf.tensor1d([0.5, 3])], optimizer.init(parameters), parameters, {
 *   learningRate: tf.scalar(0.1),
 *   step: tf.scalar(1),
 *   decay: [true],
 * });
 * console.log(Array.from(next.parameters[0].dataSync(), (x) => x.toFixed(3))); // → [ '0.900', '-2.100' ]
 * ```
 */
export const adamw: Plugin<'optimizer', 'adamw', (options?: AdamWOptions) => Optimizer> = /* @__PURE__ */ definePlugin({
  kind: 'optimizer',
  name: 'adamw',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'Adam with decoupled weight decay',
  create: createAdamw,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'optimizer:adamw': typeof adamw;
  }
}

function createAdamw(options: AdamWOptions = {}): Optimizer {
  checkOptions<AdamWOptions>('adamw', options, {
    learningRate: rules.positive,
    beta1: rules.fraction,
    beta2: rules.fraction,
    eps: rules.positive,
    weightDecay: rules.nonNegative,
  });
  const { learningRate, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weightDecay = 0.01 } = options;
  return {
    name: 'adamw',
    hyperparameters: { beta1, beta2, eps, weightDecay },
    scalesGradients: true,
    positiveSlots: ['variance'],
    learningRate,
    init: initMoments,
    update(gradients, state, parameters, { learningRate: rate, decay, gradientScale }) {
      const shrink = tf.sub<tf.Scalar>(1, tf.mul(rate, weightDecay)); // []
      const keep = parameters.map((_, i) => (weightDecay > 0 && decay[i] ? shrink : undefined));
      return momentUpdate(gradients, state as MomentState, parameters, {
        learningRate: rate,
        gradientScale,
        keep,
        beta1,
        beta2,
        eps,
      });
    },
  };
}

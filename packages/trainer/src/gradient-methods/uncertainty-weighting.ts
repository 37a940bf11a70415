import * as tf from '@tensorflow/tfjs-core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, rules } from '../options';
import type { GradientMethod } from './gradient-method';
import { weightedGradients } from './weighted-gradients';

/** Options of {@link uncertaintyWeighting}. */
export interface UncertaintyWeightingOptions {
  /** How fast the weights follow: 0.025. */
  readonly learningRate?: number;
}

/**
 * Losses weighed by how uncertain their tasks are, which is learned: noisy tasks count less.
 *
 * L = Σ exp(-sₖ) Lₖ + sₖ / 2, s = log σ², learned by gradient descent at a rate of its own from s = 0 on
 *
 * @param options the rate of s (0.025)
 * @returns the gradient method, for `train(model, { objective: multiTask(), gradients: uncertaintyWeighting() })`; its state is s
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be
 *
 * Kendall, Gal and Cipolla: "Multi-Task Learning Using Uncertainty to Weigh Losses for Scene Geometry and Semantics" (2018),
 * equation 10, with the form of a classification for every task.
 *
 * @example
 * ```ts
 * import { uncertaintyWeighting } from '@tesserae/trainer';
 * console.log(uncertaintyWeighting().hyperparameters); // → { learningRate: 0.025 }
 * ```
 */
export const uncertaintyWeighting: Plugin<
  'gradient-method',
  'uncertainty-weighting',
  (options?: UncertaintyWeightingOptions) => GradientMethod
> = /* @__PURE__ */ definePlugin({
  kind: 'gradient-method',
  name: 'uncertainty-weighting',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'Noisy tasks count less',
  create: createUncertaintyWeighting,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'gradient-method:uncertainty-weighting': typeof uncertaintyWeighting;
  }
}

function createUncertaintyWeighting(options: UncertaintyWeightingOptions = {}): GradientMethod {
  checkOptions<UncertaintyWeightingOptions>('uncertainty-weighting', options, { learningRate: rules.positive });
  const { learningRate = 0.025 } = options;
  return {
    name: 'uncertainty-weighting',
    hyperparameters: { learningRate },
    init: ({ parts }) => [tf.zeros([parts.length])],
    gradients({ losses, parameters, state: [logVariances] }) {
      const weights = tf.exp(tf.neg(logVariances)); // [K]
      const found = weightedGradients(losses, parameters, weights);
      const slope = tf.sub(0.5, tf.mul(weights, found.values)); // [K]
      const next = tf.sub(logVariances, tf.mul(slope, learningRate)); // [K]
      return { losses: found.losses, gradients: found.gradients, state: [next] };
    },
  };
}

import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { definePlugin, tesseraeError } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, rules } from '../options';
import type { GradientMethod } from './gradient-method';
import { gradientsOf } from './gradients-of';
import { dot, weightedGradients } from './weighted-gradients';

/** Options of {@link gradnorm}. */
export interface GradnormOptions {
  /** α, how strongly tasks that lag behind are pulled up: 1.5. */
  readonly alpha?: number;
  /** How fast the weights follow: 0.025. */
  readonly learningRate?: number;
  /** The parameters, by their paths, whose gradients are compared: those of the last of `layers`. */
  readonly shared?: (path: string) => boolean;
}

/**
 * Losses weighed so that all tasks learn at a like pace: those behind get larger gradients.
 *
 * Gₖ = wₖ ‖∂Lₖ/∂W‖, rₖ = (Lₖ/Lₖ⁰) / mean; w descends Σ |Gₖ - mean(G) rₖ^α| with the target held fixed, and is brought back to
 * Σ wₖ = K and wₖ > 0
 *
 * Lₖ⁰ is the loss of the first step. Costs a pass more a task, through what lies behind W only.
 *
 * @param options α (1.5), the rate of w (0.025), and which parameters W are
 * @returns the gradient method, for `train(model, { objective: multiTask(), gradients: gradnorm() })`; its state is w and L⁰
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be; E_OPTION in training when W would be nothing
 *
 * Chen et al.: "GradNorm: Gradient Normalization for Adaptive Loss Balancing in Deep Multitask Networks" (2018), section 3.
 *
 * @example
 * ```ts
 * import { gradnorm } from '@tesserae/trainer';
 * console.log(gradnorm({ alpha: 1 }).hyperparameters); // → { alpha: 1, learningRate: 0.025 }
 * ```
 */
export const gradnorm: Plugin<'gradient-method', 'gradnorm', (options?: GradnormOptions) => GradientMethod> =
  /* @__PURE__ */ definePlugin({
    kind: 'gradient-method',
    name: 'gradnorm',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'All tasks learn at a like pace',
    create: createGradnorm,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'gradient-method:gradnorm': typeof gradnorm;
  }
}

/** Weights are never below it. */
const SMALLEST_WEIGHT = 1e-3;

function createGradnorm(options: GradnormOptions = {}): GradientMethod {
  checkOptions<GradnormOptions>('gradnorm', options, {
    alpha: rules.nonNegative,
    learningRate: rules.positive,
    shared: rules.function,
  });
  const { alpha = 1.5, learningRate = 0.025, shared } = options;
  return {
    name: 'gradnorm',
    hyperparameters: { alpha, learningRate },
    init: ({ parts }) => [tf.ones([parts.length]), tf.zeros([parts.length])],
    gradients({ losses, parameters, paths, state: [weights, first] }) {
      const found = weightedGradients(losses, parameters, weights);
      const at = sharedPlaces(paths, shared);
      const norms = tf.stack(
        Object.keys(found.losses).map((name) => {
          const loss = (some: readonly Tensor[]): Scalar =>
            losses(parameters.map((parameter, i) => (at.includes(i) ? some[at.indexOf(i)] : parameter)))[name];
          const { gradients } = gradientsOf(
            loss,
            at.map((i) => parameters[i]),
          );
          return tf.sqrt(dot(gradients, gradients));
        }),
      ); // [K]
      const start = tf.where(tf.equal(first, 0), found.values, first); // [K]
      const next = rebalanced({ weights, norms, losses: found.values, start, alpha, learningRate });
      return { losses: found.losses, gradients: found.gradients, state: [next, start] };
    },
  };
}

interface Balance {
  /** [K] w. */
  readonly weights: Tensor;
  /** [K] ‖∂Lₖ/∂W‖, without weights. */
  readonly norms: Tensor;
  /** [K] L. */
  readonly losses: Tensor;
  /** [K] L of the first step. */
  readonly start: Tensor;
  readonly alpha: number;
  readonly learningRate: number;
}

/** The weights after one step of theirs: [K]. */
export function rebalanced({ weights, norms, losses, start, alpha, learningRate }: Balance): Tensor {
  const weighted = tf.mul(weights, norms); // [K] G
  const progress = tf.divNoNan(losses, start); // [K]
  const pace = tf.divNoNan(progress, tf.mean(progress)); // [K] r
  const target = tf.mul(tf.mean(weighted), tf.pow(pace, alpha)); // [K]
  const slope = tf.mul(tf.sign(tf.sub(weighted, target)), norms); // [K]
  const moved = tf.maximum(tf.sub(weights, tf.mul(slope, learningRate)), SMALLEST_WEIGHT); // [K]
  return tf.mul(moved, tf.div(weights.size, tf.sum(moved))); // [K]
}

/** The places of the shared parameters among all. */
function sharedPlaces(paths: readonly string[], shared: GradnormOptions['shared']): number[] {
  const layerOf = (path: string): number => Number(/(?:^|\.)layers\.(\d+)\./.exec(path)?.[1] ?? -1);
  const last = Math.max(...paths.map(layerOf));
  const chosen = shared ?? ((path: string) => last >= 0 && layerOf(path) === last);
  const places = paths.flatMap((path, i) => (chosen(path) ? [i] : []));
  if (places.length > 0) return places;
  throw tesseraeError({
    package: 'trainer',
    plugin: 'gradnorm',
    code: 'E_OPTION',
    message: `none of the ${paths.length} parameters that learn is shared by the tasks`,
    fix: 'give shared: (path) => boolean, true for the last layer of the trunk',
  });
}

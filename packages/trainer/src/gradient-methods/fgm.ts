import * as tf from '@tensorflow/tfjs-core';
import { definePlugin, tesseraeError } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, rules } from '../options';
import type { GradientMethod } from './gradient-method';
import { dot, weightedGradients } from './weighted-gradients';

/** Options of {@link fgm}. */
export interface FgmOptions {
  /** ε, the length of the disturbance of the whole table: 1. */
  readonly epsilon?: number;
  /** How much the disturbed loss counts beside the other: 1. */
  readonly weight?: number;
  /** Which parameters are disturbed, by their paths: `tokenEmbedding.weight`. */
  readonly disturbs?: (path: string) => boolean;
}

/**
 * Adversarial training: each step also learns from the batch with the embeddings moved to where the loss grows fastest.
 *
 * r = ε g / ‖g‖, g = ∂L/∂E; the gradients are those of L(θ) + w L(θ with E + r), r held fixed
 *
 * Costs a second pass. Losses are reported without the disturbance.
 *
 * @param options ε (1), the weight w (1), and what is disturbed
 * @returns the gradient method, for `train(model, { gradients: fgm() })`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be; E_OPTION in training when nothing that learns is disturbed
 *
 * Miyato, Dai and Goodfellow: "Adversarial Training Methods for Semi-Supervised Text Classification" (2017), equation 5,
 * here of the whole table, not of each sequence.
 *
 * @example
 * ```ts
 * import { fgm } from '@tesserae/trainer';
 * console.log(fgm({ epsilon: 0.5 }).hyperparameters); // → { epsilon: 0.5, weight: 1 }
 * ```
 */
export const fgm: Plugin<'gradient-method', 'fgm', (options?: FgmOptions) => GradientMethod> =
  /* @__PURE__ */ definePlugin({
    kind: 'gradient-method',
    name: 'fgm',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Embeddings disturbed where the loss grows fastest',
    create: createFgm,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'gradient-method:fgm': typeof fgm;
  }
}

/** Keeps a quotient finite where there is no gradient at all. */
const TINY = 1e-12;

function createFgm(options: FgmOptions = {}): GradientMethod {
  checkOptions<FgmOptions>('fgm', options, {
    epsilon: rules.positive,
    weight: rules.positive,
    disturbs: rules.function,
  });
  const { epsilon = 1, weight = 1, disturbs = (path) => path === 'tokenEmbedding.weight' } = options;
  return {
    name: 'fgm',
    hyperparameters: { epsilon, weight },
    gradients({ losses, parameters, paths }) {
      const moved = paths.map(disturbs);
      if (!moved.includes(true))
        throw tesseraeError({
          package: 'trainer',
          plugin: 'fgm',
          code: 'E_OPTION',
          message: `disturbs chooses none of the ${paths.length} parameters that learn`,
          fix: `let it be true for the embeddings; there are ${paths.slice(0, 3).join(', ')}, …`,
        });
      const clean = weightedGradients(losses, parameters);
      const steepest = clean.gradients.filter((_, i) => moved[i]);
      const length = tf.add(tf.sqrt(dot(steepest, steepest)), TINY); // []
      const disturbed = parameters.map((parameter, i) =>
        moved[i] ? tf.add(parameter, tf.mul(clean.gradients[i], tf.div(epsilon, length))) : parameter,
      );
      const adversarial = weightedGradients(losses, disturbed);
      return {
        losses: clean.losses,
        gradients: clean.gradients.map((own, i) => tf.add(own, tf.mul(adversarial.gradients[i], weight))),
        state: [],
      };
    },
  };
}

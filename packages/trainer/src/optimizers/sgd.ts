import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { definePlugin, tesseraeError } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, rules } from '../options';
import { scaleGradients } from './clip-gradients';
import type { Optimizer, OptimizerState } from './optimizer';

/** Options of {@link sgd}; the defaults are PyTorch's. */
export interface SgdOptions {
  /** The rate when no schedule is given. */
  readonly learningRate?: number;
  /** Share of the previous direction that is kept: 0. */
  readonly momentum?: number;
  /** Share of a new gradient that is left out of the direction, from the second step on: 0. Needs momentum. */
  readonly dampening?: number;
  /** Look one momentum step ahead: false. Needs momentum and no dampening. */
  readonly nesterov?: boolean;
  /** Strength of the L2 penalty, whose gradient decay·p is added to the gradient: 0. Norms and biases are left alone. */
  readonly weightDecay?: number;
}

/** What `sgd` remembers with momentum: the direction of each parameter; nothing without. */
interface SgdState extends OptimizerState {
  readonly velocity: readonly Tensor[];
}

/**
 * Stochastic gradient descent, with momentum if wanted.
 *
 * g ← g + decay·p, b ← momentum·b + (1-dampening)·g (b = g at the first step), p ← p - lr·b; with `nesterov`
 * p ← p - lr·(g + momentum·b).
 *
 * @param options learning rate, momentum, dampening, Nesterov's form and weight decay
 * @returns an optimizer, pure functions over lists of tensors
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be
 *
 * Reference: Sutskever et al., "On the importance of initialization and momentum in deep learning"; equals
 * `torch.optim.SGD`.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * import { sgd } from '@tesserae/trainer';
 * const optimizer = sgd({ momentum: 0.5 });
 * const context = { learningRate: tf.scalar(0.25), step: tf.scalar(1), decay: [false] };
 * const parameters = [tf.tensor1d([1])];
 * const first = optimizer.update([tf.tensor1d([2])], optimizer.init(parameters), parameters, context);
 * const second = optimizer.update([tf.tensor1d([2])], first.state, first.parameters, context);
 * console.log(first.parameters[0].dataSync()[0], second.parameters[0].dataSync()[0]); // → 0.5 -0.25
 * ```
 */
export const sgd: Plugin<'optimizer', 'sgd', (options?: SgdOptions) => Optimizer> = /* @__PURE__ */ definePlugin({
  kind: 'optimizer',
  name: 'sgd',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'Stochastic gradient descent, with momentum if wanted',
  create: createSgd,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'optimizer:sgd': typeof sgd;
  }
}

function createSgd(options: SgdOptions = {}): Optimizer {
  checkOptions<SgdOptions>('sgd', options, {
    learningRate: rules.positive,
    momentum: rules.fraction,
    dampening: rules.fraction,
    nesterov: rules.boolean,
    weightDecay: rules.nonNegative,
  });
  const { learningRate, momentum = 0, dampening = 0, nesterov = false, weightDecay = 0 } = options;
  if ((nesterov && (momentum === 0 || dampening > 0)) || (dampening > 0 && momentum === 0)) {
    throw tesseraeError({
      package: 'trainer',
      plugin: 'sgd',
      code: 'E_OPTION',
      message: `nesterov ${nesterov}, momentum ${momentum} and dampening ${dampening} do not go together`,
      fix: 'nesterov needs momentum > 0 and dampening 0, dampening needs momentum > 0',
    });
  }
  const penalize = (g: Tensor, p: Tensor, decays: boolean): Tensor =>
    weightDecay > 0 && decays ? tf.add(g, tf.mul(p, weightDecay)) : g;

  return {
    name: 'sgd',
    hyperparameters: { momentum, dampening, nesterov, weightDecay },
    scalesGradients: true,
    learningRate,
    init: (parameters): SgdState => ({ velocity: momentum > 0 ? parameters.map((p) => tf.zeros(p.shape)) : [] }),
    update(gradients, state, parameters, { learningRate: rate, step, decay, gradientScale }) {
      const penalized = scaleGradients(gradients, gradientScale).map((g, i) => penalize(g, parameters[i], decay[i]));
      const descend = (directions: readonly Tensor[]): Tensor[] =>
        parameters.map((p, i) => tf.sub(p, tf.mul(directions[i], rate)));
      if (momentum === 0) return { parameters: descend(penalized), state: { velocity: [] } };

      const share = tf.sub(1, tf.mul(tf.cast(tf.greater(step, 1), 'float32'), dampening)); // [] 1 at the first step
      const velocity = penalized.map((g, i) =>
        tf.add(tf.mul((state as SgdState).velocity[i], momentum), dampening > 0 ? tf.mul(g, share) : g),
      );
      const directions = nesterov ? penalized.map((g, i) => tf.add(g, tf.mul(velocity[i], momentum))) : velocity;
      return { parameters: descend(directions), state: { velocity } };
    },
  };
}

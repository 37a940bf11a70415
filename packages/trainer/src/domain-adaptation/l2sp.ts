import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import type { Model } from '@tesserae/core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, required, rules } from '../options';
import type { Regularizer } from '../regularizers/index';
import { requireMatch, startOf } from './starting-point';

/** Options of {@link l2sp}. */
export interface L2spOptions {
  /** The model to stay near, which belongs to you and must live as long as the training. */
  readonly reference: Model;
  /** α, how strongly parameters are held where they were: 0.01. */
  readonly strength?: number;
  /** β, how strongly those that the reference has not, such as a new head, are held at zero: 0. */
  readonly newStrength?: number;
}

/**
 * L2-SP: what is learned stays near the starting point.
 *
 * Ω(θ) = α/2 Σ ‖θₛ - θₛ⁰‖² + β/2 Σ ‖θₙ‖², s: parameters of the starting point, n: new ones
 *
 * @param options the starting point, α (0.01) and β (0)
 * @returns the regularizer, for `train(model, { regularizers: [l2sp({ reference: model })] })`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be; E_OPTION in training when the reference has none of the
 *   parameters
 *
 * Li, Grandvalet and Davoine: "Explicit Inductive Bias for Transfer Learning with Convolutional Networks" (2018), section 3.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { createModel, disposeModel, gpt2 } from '@tesserae/core';
 * import { l2sp } from '@tesserae/trainer';
 * const config = { vocabSize: 4, hiddenSize: 2, numHiddenLayers: 1, numAttentionHeads: 1, maxPositionEmbeddings: 4 };
 * const reference = createModel(gpt2, config, { seed: 1 });
 * const { penalty, tensors } = l2sp({ reference, strength: 2 });
 * const moved = new Map([['finalNorm.bias', tf.tensor1d([3, 4])]]); // from [0, 0]
 * console.log(penalty(moved, tensors).dataSync()[0]); // → 25
 * disposeModel(reference);
 * ```
 */
export const l2sp: Plugin<'regularizer', 'l2-sp', (options: L2spOptions) => Regularizer> = /* @__PURE__ */ definePlugin(
  {
    kind: 'regularizer',
    name: 'l2-sp',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Parameters stay near the starting point',
    create: createL2sp,
  },
);

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'regularizer:l2-sp': typeof l2sp;
  }
}

function createL2sp(options: L2spOptions): Regularizer {
  checkOptions<L2spOptions>('l2-sp', options, {
    reference: required(rules.object),
    strength: rules.nonNegative,
    newStrength: rules.nonNegative,
  });
  const { reference, strength = 0.01, newStrength = 0 } = options;
  const start = startOf('l2-sp', reference);
  return {
    name: 'l2-sp',
    hyperparameters: { strength, newStrength },
    tensors: Object.fromEntries(start),
    penalty(parameters, tensors) {
      requireMatch('l2-sp', parameters, tensors);
      const squares = (list: readonly Tensor[]): Scalar =>
        list.length === 0 ? tf.scalar(0) : (tf.addN(list.map((one) => tf.sum(tf.square(one)))) as Scalar);
      const known: Tensor[] = [];
      const fresh: Tensor[] = [];
      for (const [path, parameter] of parameters) {
        if (Object.hasOwn(tensors, path)) known.push(tf.sub(parameter, tensors[path]));
        else fresh.push(parameter);
      }
      const held = tf.mul(squares(known), strength / 2);
      return (newStrength === 0 ? held : tf.add(held, tf.mul(squares(fresh), newStrength / 2))) as Scalar;
    },
  };
}

import * as tf from '@tensorflow/tfjs-core';
import type { Scalar } from '@tensorflow/tfjs-core';
import type { Model } from '@tesserae/core';
import { definePlugin, tesseraeError } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, required, rules } from '../options';
import type { Regularizer } from '../regularizers/index';
import type { FisherInformation } from './fisher-information';
import { requireMatch, startOf } from './starting-point';

/** Options of {@link ewc}. */
export interface EwcOptions {
  /** The model as it came out of the old domain; it belongs to you and must live as long as the training. */
  readonly reference: Model;
  /** What `estimateFisher` found for it there; must live as long as the training. */
  readonly fisher: FisherInformation;
  /** λ, how much the old domain's loss counts beside the new one's: 1. */
  readonly strength?: number;
}

/**
 * Elastic weight consolidation: what the old domain hangs on stays near where it was, the rest is free.
 *
 * Ω(θ) = λ/2 Σᵢ Fᵢ (θᵢ - θᵢ*)², F the diagonal of the Fisher information of the old domain
 *
 * With the Fisher information of a token, Ω is λ times how much the old domain's mean loss grows, to second order and
 * without what parameters do together.
 *
 * @param options the model before, its Fisher information, λ (1)
 * @returns the regularizer, for `train(model, { regularizers: [ewc({ reference: model, fisher })] })`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be; E_OPTION in training when the reference has none of the
 *   parameters
 *
 * Kirkpatrick et al.: "Overcoming catastrophic forgetting in neural networks" (2017), equation 3.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { createModel, disposeModel, gpt2 } from '@tesserae/core';
 * import { estimateFisher, ewc } from '@tesserae/trainer';
 * const config = { vocabSize: 4, hiddenSize: 2, numHiddenLayers: 1, numAttentionHeads: 1, maxPositionEmbeddings: 4 };
 * const reference = createModel(gpt2, config, { seed: 1 });
 * const fisher = await estimateFisher(reference, { data: [0, 1, 2, 3, 0, 1, 2, 3, 0], rows: 4, progress: false });
 * const { penalty, tensors } = ewc({ reference, fisher });
 * const bias = fisher.values.get('finalNorm.bias')!.dataSync();
 * const moved = new Map([['finalNorm.bias', tf.tensor1d([2, 0])]]); // from [0, 0]
 * console.log(Math.abs(penalty(moved, tensors).dataSync()[0] - (bias[0] * 2 ** 2) / 2) < 1e-6); // → true
 * fisher.dispose();
 * disposeModel(reference);
 * ```
 */
export const ewc: Plugin<'regularizer', 'ewc', (options: EwcOptions) => Regularizer> = /* @__PURE__ */ definePlugin({
  kind: 'regularizer',
  name: 'ewc',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'What the old domain hangs on stays near where it was',
  create: createEwc,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'regularizer:ewc': typeof ewc;
  }
}

function createEwc(options: EwcOptions): Regularizer {
  checkOptions<EwcOptions>('ewc', options, {
    reference: required(rules.object),
    fisher: required({ expected: 'what estimateFisher returns', test: isFisher }),
    strength: rules.nonNegative,
  });
  const { reference, fisher, strength = 1 } = options;
  const start = startOf('ewc', reference);
  const paths = [...fisher.values.keys()].filter((path) => start.has(path));
  if (paths.length === 0)
    throw tesseraeError({
      package: 'trainer',
      plugin: 'ewc',
      code: 'E_OPTION',
      message: 'the Fisher information is of other parameters than the reference has',
      fix: 'give estimateFisher the same model',
    });
  return {
    name: 'ewc',
    hyperparameters: { strength, rows: fisher.rows },
    tensors: Object.fromEntries(
      paths.flatMap((path) => [
        [path, start.get(path)!],
        [`${FISHER}${path}`, fisher.values.get(path)!],
      ]),
    ),
    penalty(parameters, tensors) {
      requireMatch('ewc', parameters, tensors);
      const terms = [...parameters].flatMap(([path, parameter]) => {
        if (!Object.hasOwn(tensors, path)) return [];
        const moved = tf.square(tf.sub(parameter, tensors[path]));
        return [tf.sum(tf.mul(tensors[`${FISHER}${path}`], moved))];
      });
      return tf.mul(tf.addN(terms), strength / 2) as Scalar;
    },
  };
}

/** Before the path of a parameter, the name of its Fisher information among the tensors. */
const FISHER = 'fisher:';

const isFisher = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Partial<FisherInformation>).values?.get === 'function';

import * as tf from '@tensorflow/tfjs-core';
import { mapParams, scaled, withAdapter } from '@tesserae/core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, rules } from '../options';
import type { AdapterMethod } from './adapter-method';
import { findTargets, findWhole, headOf, means, refuseTable, targetsRule } from './targets';
import type { Targets } from './targets';

/** Options of {@link ia3}. */
export interface Ia3Options {
  /** Whose outputs or inputs get factors; keys and values of attention (or their one matrix) and the feed-forward layer's last matrix when absent. */
  readonly targets?: Targets;
  /** Those of the targets whose inputs get the factors; the feed-forward layer's last matrix when absent. */
  readonly feedForwardTargets?: Targets;
  /** Modules that learn as a whole and are stored with the adapter; the head of a classifier when absent. */
  readonly modulesToSave?: readonly string[];
}

/**
 * (IA)³: a learned factor for each feature of keys, values and of what the feed-forward layer holds inside; all start at 1.
 *
 * y = (x·W + b) ∘ l, or y = (x ∘ l)·W + b for the targets of the feed-forward layer.
 *
 * @param options targets, modules that learn as a whole
 * @returns the method, for `adapt(model, ia3())`
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be; E_ADAPTER_TARGET from `adapt`
 *
 * Liu et al.: "Few-Shot Parameter-Efficient Fine-Tuning is Better and Cheaper than In-Context Learning" (2022), section 3.3.
 * Equals PEFT's `IA3Config`.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, llama } from '@tesserae/core';
 * import { adapt, countLearned, ia3 } from '@tesserae/trainer';
 *
 * const size = { vocabSize: 50, hiddenSize: 16, intermediateSize: 32, numHiddenLayers: 2, numAttentionHeads: 2 };
 * console.log(countLearned(adapt(createModel(llama, size), ia3())).adapter); // → 128
 * ```
 */
export const ia3: Plugin<'adapter', 'ia3', (options?: Ia3Options) => AdapterMethod> = /* @__PURE__ */ definePlugin({
  kind: 'adapter',
  name: 'ia3',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: '(IA)³: learned factors of keys, values and feed-forward layers',
  create: createIa3,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'adapter:ia3': typeof ia3;
  }
}

const feedForward = /(^|\.)feedForward\.down$/;
const usual = [/(^|\.)(attention|crossAttention)\.(key|value|queryKeyValue)$/, feedForward];

function createIa3(options: Ia3Options = {}): AdapterMethod {
  checkOptions<Ia3Options>('ia3', options, {
    targets: targetsRule,
    feedForwardTargets: targetsRule,
    modulesToSave: { expected: 'a list of names', test: (v) => Array.isArray(v) && v.every(rules.string.test) },
  });
  const { targets = usual, feedForwardTargets = [feedForward], modulesToSave } = options;
  return {
    name: 'ia3',
    hyperparameters: {},
    apply(model) {
      const matrices = findTargets('ia3', model, targets);
      const whole = modulesToSave ? findWhole('ia3', model, modulesToSave) : headOf(model);
      const inputSides = typeof feedForwardTargets === 'string' ? [feedForwardTargets] : feedForwardTargets;
      const forms = new Map(
        matrices
          .filter(({ spec }) => !whole.includes(spec.path))
          .map((matrix) => {
            if (matrix.isTable) refuseTable('ia3', matrix);
            const { outputs, inputs, layout } = matrix;
            const side = inputSides.some((target) => means(target, matrix)) ? 'input' : 'output';
            const scale = tf.ones([side === 'input' ? inputs : outputs]);
            return [matrix.spec.path, scaled(matrix.weight, { scale, side, layout })] as const;
          }),
      );
      const params = mapParams(model.params, (weight, path) => forms.get(path) ?? weight);
      return withAdapter(model, params, { method: 'ia3', base: model, whole, settings: {} });
    },
  };
}

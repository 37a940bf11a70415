import * as tf from '@tensorflow/tfjs-core';
import { createKey, foldIn, lowRank, mapParams, normal, outputLengths, uniform, withAdapter } from '@tesserae/core';
import type { Key, LowRank, Model, ModelMatrix } from '@tesserae/core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, oneOf, rules } from '../options';
import type { OptionRule } from '../options';
import type { AdapterMethod } from './adapter-method';
import { findTargets, findWhole, headOf, patternValue, targetsRule } from './targets';
import type { Targets } from './targets';

/** Options of {@link lora}; the defaults are PEFT's. */
export interface LoraOptions {
  /** r, the rank of what is learned: 8. */
  readonly rank?: number;
  /** What B·A is multiplied with, over the rank: 8. */
  readonly alpha?: number;
  /**
   * Which matrices: the ends of their paths or of their names in checkpoints, regular expressions, or `all-linear` for all
   * but embeddings and head. Queries and values of attention (or their one matrix) when absent.
   */
  readonly targets?: Targets;
  /** Share of the inputs that is dropped before A while training: 0. */
  readonly dropout?: number;
  /** Multiplies with alpha / √r in place of alpha / r, so that a larger rank learns no slower (rsLoRA): false. */
  readonly rankStabilized?: boolean;
  /** Learns the lengths of the outputs' weights apart from their directions (DoRA): false. */
  readonly decomposed?: boolean;
  /** Other ranks for some modules, by name. */
  readonly rankPattern?: Readonly<Record<string, number>>;
  /** Other alphas for some modules, by name. */
  readonly alphaPattern?: Readonly<Record<string, number>>;
  /** How A is drawn: evenly over ±1/√in, or normally with deviation 1/r. B starts at 0: `uniform`. */
  readonly initialization?: 'uniform' | 'gaussian';
  /** Biases that learn as well: those beside the targets, all, or none: `none`. */
  readonly biases?: 'none' | 'targets' | 'all';
  /** Modules that learn as a whole and are stored with the adapter; the head of a classifier when absent. */
  readonly modulesToSave?: readonly string[];
  /** Decides A: 0. */
  readonly seed?: number;
}

/**
 * Low-rank adaptation: beside a matrix W stands s·B·A with A [r, in] and B [out, r], and only these learn.
 *
 * y = x·Wᵀ + s·(x·Aᵀ)·Bᵀ, with s = alpha / r, or alpha / √r (`rankStabilized`). With `decomposed`
 * y = x·(m ∘ (W + s·B·A) / ‖W + s·B·A‖)ᵀ, one length m for each output, whose norm takes no gradient. A larger `rank` can
 * learn more at more cost; a larger `alpha` takes larger steps; more `targets` learn more for the same rank.
 *
 * @param options rank, alpha, targets and the rest; see {@link LoraOptions}
 * @returns the method, for `adapt(model, lora({ … }))`
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be; E_ADAPTER_TARGET from `adapt`
 *
 * Hu et al.: "LoRA" (2021), section 4.1; Kalajdzievski: "A Rank Stabilization Scaling Factor for Fine-Tuning with LoRA"
 * (2023), theorem 3.2; Liu et al.: "DoRA" (2024), section 4. Equals PEFT's `LoraConfig`.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { bert, createModel } from '@tesserae/core';
 * import { adapt, countLearned, lora } from '@tesserae/trainer';
 *
 * const size = { vocabSize: 50, hiddenSize: 16, intermediateSize: 32, numHiddenLayers: 2, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
 * const base = createModel(bert, { ...size, head: 'sequence-classification', numLabels: 3 });
 * const { adapter, head } = countLearned(adapt(base, lora({ rank: 2, alpha: 4, targets: ['query', 'value'] })));
 * console.log(adapter, head); // → 256 51
 * ```
 */
export const lora: Plugin<'adapter', 'lora', (options?: LoraOptions) => AdapterMethod> = /* @__PURE__ */ definePlugin({
  kind: 'adapter',
  name: 'lora',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'Low-rank adaptation: LoRA, rsLoRA and DoRA',
  create: createLora,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'adapter:lora': typeof lora;
  }
}

/** Queries and values of attention, of a decoder's to its encoder too, or their one matrix. */
export const attentionTargets: Targets = [/(^|\.)(attention|crossAttention)\.(query|value|queryKeyValue)$/];

const isTableOf =
  (rule: OptionRule) =>
  (value: unknown): boolean =>
    rules.object.test(value) && Object.values(value as object).every(rule.test);

function createLora(options: LoraOptions = {}): AdapterMethod {
  checkOptions<LoraOptions>('lora', options, {
    rank: rules.positiveInteger,
    alpha: rules.positive,
    targets: targetsRule,
    dropout: rules.fraction,
    rankStabilized: rules.boolean,
    decomposed: rules.boolean,
    rankPattern: { expected: 'ranks by module', test: isTableOf(rules.positiveInteger) },
    alphaPattern: { expected: 'numbers > 0 by module', test: isTableOf(rules.positive) },
    initialization: oneOf('uniform', 'gaussian'),
    biases: oneOf('none', 'targets', 'all'),
    modulesToSave: { expected: 'a list of names', test: (v) => Array.isArray(v) && v.every(rules.string.test) },
    seed: rules.nonNegativeInteger,
  });
  const { rank = 8, alpha = 8, dropout = 0, rankStabilized = false, decomposed = false } = options;
  const { targets = attentionTargets, biases = 'none', seed = 0 } = options;
  const hyperparameters = { rank, alpha, dropout, rankStabilized, decomposed, biases };
  return {
    name: 'lora',
    hyperparameters,
    apply(model) {
      const matrices = findTargets('lora', model, targets);
      const whole = wholeOf(model, options, matrices);
      const touched = matrices.filter(({ spec }) => !whole.includes(spec.path));
      const key = createKey(seed);
      const forms = new Map(
        touched.map((matrix, index) => [matrix.spec.path, around(matrix, options, foldIn(key, index))] as const),
      );
      const params = mapParams(model.params, (weight, path) => forms.get(path) ?? weight);
      return withAdapter(model, params, { method: 'lora', base: model, whole, settings: hyperparameters });
    },
  };
}

/** A fresh low-rank weight: B is 0, so that it changes nothing yet. */
function around(matrix: ModelMatrix, options: LoraOptions, key: Key): LowRank {
  const { weight, isTable, layout, inputs, outputs } = matrix;
  const { rankStabilized = false, decomposed = false, dropout = 0, initialization = 'uniform' } = options;
  const rank = patternValue(options.rankPattern, matrix) ?? options.rank ?? 8;
  const alpha = patternValue(options.alphaPattern, matrix) ?? options.alpha ?? 8;
  const bound = 1 / Math.sqrt(inputs);
  const drawn =
    initialization === 'gaussian'
      ? normal(key, rank * inputs, 0, 1 / rank)
      : uniform(key, rank * inputs, -bound, bound);
  const [a, b] = isTable
    ? [tf.zeros([rank, inputs]), tf.tensor(normal(key, outputs * rank), [outputs, rank])] // as PEFT's for embeddings
    : [tf.tensor(drawn, [rank, inputs]), tf.zeros([outputs, rank])];
  return lowRank(weight, {
    a,
    b,
    scale: alpha / (rankStabilized ? Math.sqrt(rank) : rank),
    layout,
    table: isTable,
    dropout,
    magnitude: decomposed ? outputLengths(weight, layout) : undefined,
  });
}

/** What learns as a whole: heads or the modules asked for, and biases. */
function wholeOf<C>(model: Model<C>, options: LoraOptions, matrices: readonly ModelMatrix[]): string[] {
  const { modulesToSave, biases = 'none' } = options;
  const saved = modulesToSave ? findWhole('lora', model, modulesToSave) : headOf(model);
  const beside = new Set(matrices.map(({ module }) => `${module}.bias`));
  const specs = biases === 'none' ? [] : model.architecture.parameters(model.config);
  const extra = specs
    .map(({ path }) => path)
    .filter((path) => (biases === 'all' ? /(^|\.)bias$/.test(path) : beside.has(path)));
  return [...new Set([...saved, ...extra])];
}

import { flattenParams, isWeightForm, weightOperations } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import type { Trainable } from '../loop/leaves';
import { isHead } from './targets';

/** The path of the weight that a tensor belongs to: `layers.0.attention.query.weight#a` → `….weight`. */
const weightOf = (path: string): string => path.split('#', 1)[0];

/**
 * Only biases learn, and the head of a classifier: BitFit.
 *
 * @param model the model
 * @returns for `train(model, { trainable: biasesOnly(model) })`
 * @throws E_ADAPTER_TARGET when the model has no biases
 *
 * Ben Zaken et al.: "BitFit: Simple Parameter-efficient Fine-tuning for Transformer-based Masked Language-models" (2022),
 * section 3.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, gpt2 } from '@tesserae/core';
 * import { biasesOnly } from '@tesserae/trainer';
 *
 * const config = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
 * const learns = biasesOnly(createModel(gpt2, config));
 * console.log(learns('layers.0.feedForward.up.bias'), learns('layers.0.feedForward.up.weight')); // → true false
 * ```
 */
export function biasesOnly<C>(model: Model<C>): Trainable {
  const isBias = (path: string): boolean => /(^|\.)bias$/.test(path);
  const specs = model.architecture.parameters(model.config);
  if (!specs.some(({ path }) => isBias(path) && !isHead(path)))
    throw tesseraeError({
      package: 'trainer',
      plugin: 'biasesOnly',
      code: 'E_ADAPTER_TARGET',
      message: `${model.architecture.name} has no biases`,
      fix: 'use lora() or ia3()',
    });
  return (path) => isBias(path) || isHead(weightOf(path));
}

/**
 * Everything learns but the given modules.
 *
 * @param model the model
 * @param modules beginnings of paths, whole segments: `tokenEmbedding`, `layers.0`, `layers.1.attention`
 * @returns for `train(model, { trainable: freeze(model, 'tokenEmbedding', 'layers.0') })`
 * @throws E_ADAPTER_TARGET for a module that the model does not have
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, gpt2 } from '@tesserae/core';
 * import { freeze } from '@tesserae/trainer';
 *
 * const config = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 2, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
 * const learns = freeze(createModel(gpt2, config), 'tokenEmbedding', 'layers.0');
 * console.log(learns('layers.0.attentionNorm.weight'), learns('layers.1.attentionNorm.weight')); // → false true
 * ```
 */
export function freeze<C>(model: Model<C>, ...modules: readonly string[]): Trainable {
  const specs = model.architecture.parameters(model.config);
  const inside = (path: string, module: string): boolean => path === module || path.startsWith(`${module}.`);
  const unknown = modules.filter((module) => !specs.some(({ path }) => inside(path, module)));
  if (unknown.length > 0) {
    const known = [...new Set(specs.map(({ path }) => /^(layers\.\d+|[^.]+)/.exec(path)![0]))];
    throw tesseraeError({
      package: 'trainer',
      plugin: 'freeze',
      code: 'E_ADAPTER_TARGET',
      message: `the model has no module ${unknown.join(', ')}`,
      fix: `use beginnings of paths: ${known.slice(0, 12).join(', ')}`,
      details: { unknown },
    });
  }
  const fixed = new Set(specs.filter(({ trainable }) => trainable === false).map(({ path }) => path));
  return (path) => !fixed.has(path) && !modules.some((module) => inside(weightOf(path), module));
}

/** How much of a model learns. */
export interface LearnedCount {
  /** Numbers that learn, heads apart. */
  readonly adapter: number;
  /** Numbers of heads that learn: of classifiers and spans. */
  readonly head: number;
  /** All numbers of the model, those of its adapter among them. */
  readonly total: number;
  /** `adapter` / `total`. */
  readonly share: number;
}

/**
 * Counts the numbers that learn.
 *
 * @param model the model
 * @param trainable which do; what the model says, or all, when absent
 * @returns the counts
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, gpt2 } from '@tesserae/core';
 * import { biasesOnly, countLearned } from '@tesserae/trainer';
 *
 * const config = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
 * const model = createModel(gpt2, config);
 * console.log(countLearned(model, biasesOnly(model)).adapter); // → 96
 * ```
 */
export function countLearned<C>(model: Model<C>, trainable?: Trainable): LearnedCount {
  const learns = trainable ?? model.trainable ?? (() => true);
  let [adapter, head, total] = [0, 0, 0];
  for (const [path, weight] of flattenParams(model.params)) {
    const tensors: [string, { readonly size: number }][] = isWeightForm(weight)
      ? Object.entries(weightOperations(weight).tensors(weight)).map(([name, tensor]) => [`${path}#${name}`, tensor])
      : [[path, weight]];
    for (const [at, { size }] of tensors) {
      total += size;
      if (!learns(at)) continue;
      if (isHead(path)) head += size;
      else adapter += size;
    }
  }
  return { adapter, head, total, share: adapter / total };
}

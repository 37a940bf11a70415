import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import { flattenParams, mapParams, paramTensors } from './params';
import type { Adapter, ArchitectureConfig, Model, Params } from './types';
import { isWeightForm, weightOperations } from './weight';
import type { AroundOperations, Weight, WeightForm } from './weight';

const adapterError = (message: string, fix: string): Error =>
  tesseraeError({ package: 'core', code: 'E_ADAPTER', message, fix });

/** What an adapter's form can do, or nothing for other weights. */
const aroundOf = (weight: Weight): AroundOperations | undefined =>
  isWeightForm(weight) ? weightOperations(weight).around : undefined;

function requireAdapter<C>(model: Model<C>): Adapter<C> {
  if (model.adapter) return model.adapter;
  throw adapterError('the model has no adapter', 'give what adapt or loadPeft returned');
}

/** The path of the bias beside a matrix: `….query.weight` → `….query.bias`. */
const biasPath = (path: string): string => path.replace(/weight$/, 'bias');

/**
 * A model with an adapter: what the adapter learns is what learns of it.
 *
 * @param model the model that the adapter is put on, with the architecture that it needs
 * @param params its tree with the adapter's weight forms
 * @param adapter what the adapter is, and its base
 * @returns the model; `trainable` is true for what the forms say and for the modules that learn as a whole
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, gpt2, withAdapter } from '@tesserae/core';
 *
 * const config = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
 * const base = createModel(gpt2, config, { seed: 1 });
 * const model = withAdapter(base, base.params, { method: 'norm', base, whole: ['finalNorm.weight'], settings: {} });
 * console.log(model.trainable?.('finalNorm.weight'), model.trainable?.('finalNorm.bias')); // → true false
 * ```
 */
export function withAdapter<C>(model: Model<C>, params: Params, adapter: Adapter<C>): Model<C> {
  const learned = new Set(adapter.whole);
  const before = new Map(flattenParams(adapter.base.params));
  for (const [path, weight] of flattenParams(params)) {
    if (!isWeightForm(weight) || before.get(path) === weight) continue;
    for (const name of weightOperations(weight).trainable?.(weight) ?? []) learned.add(`${path}#${name}`);
  }
  return { ...model, params, adapter, trainable: (path) => learned.has(path) };
}

/**
 * The model without its adapter: its base, whose tensors it shares.
 *
 * @param model a model with an adapter
 * @returns the model that the adapter was put on
 * @throws E_ADAPTER when it has none
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, gpt2, removeAdapter } from '@tesserae/core';
 *
 * const config = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
 * const base = createModel(gpt2, config, { seed: 1 });
 * const adapted = { ...base, adapter: { method: 'lora', base, whole: [], settings: {} } };
 * console.log(removeAdapter(adapted) === base); // → true
 * ```
 */
export function removeAdapter<C>(model: Model<C>): Model<C> {
  return requireAdapter(model).base;
}

/**
 * Disposes what a model's adapter has of its own, and leaves the base as it is.
 *
 * @param model a model with an adapter; not to be used afterwards
 * @throws E_ADAPTER when it has none
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { createModel, disposeAdapter, gpt2, lowRank } from '@tesserae/core';
 *
 * const config = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
 * const base = createModel(gpt2, config, { seed: 1 });
 * const own = { a: tf.ones([1, 8]), b: tf.ones([11, 1]) };
 * const tokenEmbedding = { weight: lowRank((base.params.tokenEmbedding as { weight: tf.Tensor }).weight, { ...own, scale: 1 }) };
 * disposeAdapter({ ...base, params: { ...base.params, tokenEmbedding }, adapter: { method: 'lora', base, whole: [], settings: {} } });
 * console.log(own.a.isDisposed, (base.params.finalNorm as { weight: tf.Tensor }).weight.isDisposed); // → true false
 * ```
 */
export function disposeAdapter<C>(model: Model<C>): void {
  const { base } = requireAdapter(model);
  const kept = new Set(paramTensors(base.params));
  for (const tensor of paramTensors(model.params)) if (!kept.has(tensor) && !tensor.isDisposed) tensor.dispose();
}

/** Refuses what cannot become plain weights. */
function checkMergeable<C>(model: Model<C>): void {
  const { method } = requireAdapter(model);
  const tied = (model.config as unknown as ArchitectureConfig & { tieWordEmbeddings?: boolean }).tieWordEmbeddings;
  for (const [path, weight] of flattenParams(model.params)) {
    if (isWeightForm(weight) && weightOperations(weight).kind === 'prompt-table')
      throw adapterError(
        `${method} learned tokens before the text, and no weights stand for those`,
        'keep the adapter beside the model',
      );
    if (tied && aroundOf(weight) && /(^|\.)tokenEmbedding\./.test(path))
      throw adapterError(
        `${path} is the output too, which the adapter left alone; merged it would change`,
        'keep the adapter, or use a base whose output is not tied',
      );
  }
}

/**
 * Makes plain weights of a model's adapter and its base: the same outputs (to rounding) without the adapter's cost.
 *
 * Low rank: W + s·B·A, with magnitudes m · (W + s·B·A) / ‖W + s·B·A‖. Scaled: W and bias times l.
 *
 * @param model a model with an adapter; it is not changed, nor is its base
 * @returns a model without adapter; what the adapter touched is new and belongs to the caller, all else is shared
 * @throws E_ADAPTER when there is no adapter, or one that no weights can stand for (virtual tokens, a tied embedding)
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { createModel, gpt2, lowRank, mergeAdapter } from '@tesserae/core';
 *
 * const config = { vocabSize: 3, hiddenSize: 2, numHiddenLayers: 1, numAttentionHeads: 1, maxPositionEmbeddings: 4, tieWordEmbeddings: false };
 * const base = createModel(gpt2, config, { seed: 1 });
 * const { weight } = base.params.outputEmbedding as { weight: tf.Tensor };
 * const low = lowRank(weight, { a: tf.ones([1, 2]), b: tf.ones([3, 1]), scale: 1 });
 * const adapted = { ...base, params: { ...base.params, outputEmbedding: { weight: low } }, adapter: { method: 'lora', base, whole: [], settings: {} } };
 * const merged = mergeAdapter(adapted).params.outputEmbedding as { weight: tf.Tensor };
 * console.log(Array.from(tf.sub(merged.weight, weight).dataSync(), (x) => x.toFixed(3)).join(' ')); // → 1.000 1.000 1.000 1.000 1.000 1.000
 * ```
 */
export function mergeAdapter<C>(model: Model<C>): Model<C> {
  checkMergeable(model);
  const { base } = requireAdapter(model);
  const params = changeWeights(model.params, {
    weight: (weight) => weightOperations(weight).toDense(weight),
    bias: (weight, bias) => aroundOf(weight)!.mergeBias?.(weight, bias),
  });
  const { adapter: _adapter, trainable: _trainable, ...rest } = model;
  return { ...rest, architecture: base.architecture, params };
}

/**
 * Takes an adapter out of merged weights again: W = W′ − s·B·A and the like, exact to rounding.
 *
 * @param merged what `mergeAdapter` returned, perhaps saved and loaded since, or trained further
 * @param adapted the model that was merged; of a low-rank adapter with magnitudes its base is read as well
 * @returns the adapter around the weights without it; what it touched is new and belongs to the caller
 * @throws E_ADAPTER when `adapted` has no adapter, the two do not belong together, or a factor of 0 cannot be undone
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { createModel, gpt2, lowRank, mergeAdapter, removeAdapter, unmergeAdapter } from '@tesserae/core';
 *
 * const config = { vocabSize: 3, hiddenSize: 2, numHiddenLayers: 1, numAttentionHeads: 1, maxPositionEmbeddings: 4, tieWordEmbeddings: false };
 * const base = createModel(gpt2, config, { seed: 1 });
 * const { weight } = base.params.outputEmbedding as { weight: tf.Tensor };
 * const low = lowRank(weight, { a: tf.ones([1, 2]), b: tf.ones([3, 1]), scale: 1 });
 * const adapted = { ...base, params: { ...base.params, outputEmbedding: { weight: low } }, adapter: { method: 'lora', base, whole: [], settings: {} } };
 * const again = removeAdapter(unmergeAdapter(mergeAdapter(adapted), adapted)).params.outputEmbedding as { weight: tf.Tensor };
 * console.log(tf.max(tf.abs(tf.sub(again.weight, weight))).dataSync()[0] < 1e-6); // → true
 * ```
 */
export function unmergeAdapter<C>(merged: Model<C>, adapted: Model<C>): Model<C> {
  checkMergeable(adapted);
  const adapter = requireAdapter(adapted);
  const found = new Map(flattenParams(merged.params));
  const take = (path: string, like: Weight): tf.Tensor => {
    const weight = found.get(path);
    const shape = isWeightForm(like) ? weightOperations(like).shape(like) : like.shape;
    if (weight && !isWeightForm(weight) && weight.shape.join() === shape.join()) return weight;
    throw adapterError(`the merged model has no plain weight ${path} [${shape.join(', ')}]`, 'give what was merged');
  };
  const inner = changeWeights(adapted.params, {
    weight: (weight, path) => unmerged(weight, take(path, weight), path),
    bias: (weight, bias, path) => aroundOf(weight)!.unmergeBias?.(weight, take(path, bias)),
    other: (weight, path) => (adapter.whole.includes(path) ? weight : take(path, weight)),
  });
  const inside = new Map(flattenParams(inner));
  const params = mapParams(adapted.params, (weight, path) => {
    const around = aroundOf(weight);
    return around ? around.withBase(weight as WeightForm, inside.get(path)!) : inside.get(path)!;
  });
  const wholeBefore = new Map(flattenParams(adapter.base.params));
  const baseParams = mapParams(inner, (weight, path) =>
    adapter.whole.includes(path) ? (wholeBefore.get(path) ?? weight) : weight,
  );
  const base = { ...adapter.base, params: baseParams };
  return { ...adapted, params, adapter: { ...adapter, base } };
}

/** The innermost weight of a merged one, outermost form first. */
function unmerged(weight: WeightForm, merged: tf.Tensor, path: string): tf.Tensor {
  return tf.tidy(() => {
    let dense = merged;
    for (let form: Weight = weight, around = aroundOf(form); around; around = aroundOf(form)) {
      dense = around.unmerge(form as WeightForm, dense);
      form = around.base(form as WeightForm);
    }
    if (Number.isFinite(tf.sum(dense).dataSync()[0])) return dense;
    throw adapterError(`${path} cannot be taken apart: a factor is 0`, 'keep the base, and use it');
  });
}

/** What becomes of a model's weights. */
interface Changes {
  /** Of a weight with an adapter around it. */
  weight(weight: WeightForm, path: string): tf.Tensor;
  /** Of the bias beside one; undefined leaves it to `other`. */
  bias(weight: WeightForm, bias: tf.Tensor, path: string): tf.Tensor | undefined;
  /** Of all others; they stay when absent. */
  other?(weight: Weight, path: string): Weight;
}

function changeWeights(params: Params, { weight: change, bias: changeBias, other }: Changes): Params {
  const beside = new Map<string, WeightForm>();
  for (const [path, weight] of flattenParams(params))
    if (aroundOf(weight)) beside.set(biasPath(path), weight as WeightForm);
  return mapParams(params, (weight, path) => {
    if (aroundOf(weight)) return change(weight as WeightForm, path);
    const matrix = beside.get(path);
    const bias = matrix && changeBias(matrix, weight as tf.Tensor, path);
    return bias ?? other?.(weight, path) ?? weight;
  });
}

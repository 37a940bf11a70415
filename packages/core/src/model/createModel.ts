import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import type { Tokenizer } from '@tesserae/tokenizer';
import { sinusoidalTable } from '../nn/sinusoidalTable';
import { normal, uniform } from '../random/draw';
import { createKey, foldIn } from '../random/key';
import { flattenParams, mapParams, paramTensors, unflattenParams } from './params';
import type { Architecture, ArchitectureConfig, Key, Model, ParameterSpec } from './types';
import { isWeightForm, weightOperations } from './weight';

/** What `createModel` is told beside the config. */
export interface CreateModelOptions {
  /** Seed of the initial weights, a whole number; 0 when absent. */
  readonly seed?: number | undefined;
  readonly tokenizer?: Tokenizer | undefined;
}

/**
 * Makes a model with fresh weights, initialized as the architecture says.
 *
 * Each parameter is drawn under a key of its own, derived from the seed and its place, so the same seed gives the same
 * weights on every backend.
 *
 * @param architecture `gpt2`, `llama` or another
 * @param config its sizes and settings; what is left out takes the architecture's defaults
 * @param options `seed`, `tokenizer`
 * @returns the model; its tensors belong to the caller (`disposeModel`)
 * @throws E_CONFIG when the config is not possible; E_SEED on a bad seed; E_VOCABULARY when the tokenizer has more ids than the model
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { countParameters, createModel, gpt2 } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const model = createModel(gpt2, { vocabSize: 64, hiddenSize: 16, numHiddenLayers: 2, numAttentionHeads: 2, maxPositionEmbeddings: 32 }, { seed: 42 });
 * console.log(countParameters(model)); // → 8128
 * ```
 */
export function createModel<C extends ArchitectureConfig>(
  architecture: Architecture<C>,
  config: Partial<C>,
  options: CreateModelOptions = {},
): Model<C> {
  const { seed = 0, tokenizer } = options;
  const complete = architecture.configure(config);
  if (tokenizer && tokenizer.vocabSize > complete.vocabSize) {
    throw tesseraeError({
      package: 'core',
      code: 'E_VOCABULARY',
      message: `the tokenizer has ${tokenizer.vocabSize} ids, the model ${complete.vocabSize}`,
      fix: `set vocabSize to ${tokenizer.vocabSize} or more`,
    });
  }
  const key = createKey(seed);
  const params = unflattenParams(
    architecture
      .parameters(complete)
      .map((spec, index) => [spec.path, tf.tensor(initialize(spec, foldIn(key, index)), spec.shape.slice())] as const),
  );
  return { architecture, config: complete, params, ...(tokenizer && { tokenizer }) };
}

function initialize({ shape, initialization }: ParameterSpec, key: Key): Float32Array {
  const size = shape.reduce((product, length) => product * length, 1);
  switch (initialization.kind) {
    case 'normal': {
      const values = normal(key, size, 0, initialization.standardDeviation);
      const { zeroRow } = initialization;
      return zeroRow === undefined ? values : values.fill(0, zeroRow * shape[1], (zeroRow + 1) * shape[1]);
    }
    case 'uniform':
      return uniform(key, size, initialization.low, initialization.high);
    case 'sinusoidal':
      return sinusoidalTable(shape[0], shape[1], initialization);
    case 'constant':
      return new Float32Array(size).fill(initialization.value);
    case 'ones':
      return new Float32Array(size).fill(1);
    case 'zeros':
      return new Float32Array(size);
  }
}

/**
 * Makes a model of the same form around copies of its weights.
 *
 * @param model any model
 * @returns a model whose tensors are its own
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { cloneModel, createModel, disposeModel, gpt2 } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const model = createModel(gpt2, { vocabSize: 8, hiddenSize: 4, numHiddenLayers: 1, numAttentionHeads: 1, maxPositionEmbeddings: 4 });
 * const copy = cloneModel(model);
 * disposeModel(model);
 * console.log((copy.params.finalNorm as { weight: tf.Tensor }).weight.isDisposed); // → false
 * ```
 */
export function cloneModel<C>(model: Model<C>): Model<C> {
  const params = mapParams(model.params, (weight) => {
    if (!isWeightForm(weight)) return tf.clone(weight);
    const operations = weightOperations(weight);
    const copies = Object.entries(operations.tensors(weight)).map(
      ([name, tensor]) => [name, tf.clone(tensor)] as const,
    );
    return operations.withTensors(weight, Object.fromEntries(copies));
  });
  return { ...model, params };
}

/**
 * Disposes a model's tensors.
 *
 * @param model the model; not to be used afterwards
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { createModel, disposeModel, gpt2 } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const before = tf.memory().numTensors;
 * disposeModel(createModel(gpt2, { vocabSize: 8, hiddenSize: 4, numHiddenLayers: 1, numAttentionHeads: 1, maxPositionEmbeddings: 4 }));
 * console.log(tf.memory().numTensors - before); // → 0
 * ```
 */
export function disposeModel(model: Model<unknown>): void {
  for (const tensor of paramTensors(model.params)) if (!tensor.isDisposed) tensor.dispose();
}

/**
 * How many parameters a model has: the elements of its dense weights, and of the dense matrices that its other weights
 * stand for.
 *
 * @param model any model
 * @returns the number of parameters
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { countParameters, createModel, gpt2 } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const model = createModel(gpt2, { vocabSize: 8, hiddenSize: 4, numHiddenLayers: 1, numAttentionHeads: 1, maxPositionEmbeddings: 4 });
 * console.log(countParameters(model)); // → 300
 * ```
 */
export function countParameters(model: Model<unknown>): number {
  return flattenParams(model.params).reduce((total, [, weight]) => {
    const shape = isWeightForm(weight) ? weightOperations(weight).shape(weight) : (weight.shape as number[]);
    return total + shape.reduce((product, length) => product * length, 1);
  }, 0);
}

/**
 * How many bytes a model's tensors take.
 *
 * @param model any model
 * @returns bytes; a tensor that stands in several places counts once
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { createModel, gpt2, modelBytes } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const model = createModel(gpt2, { vocabSize: 8, hiddenSize: 4, numHiddenLayers: 1, numAttentionHeads: 1, maxPositionEmbeddings: 4 });
 * console.log(modelBytes(model)); // → 1200
 * ```
 */
export function modelBytes(model: Model<unknown>): number {
  return paramTensors(model.params).reduce(
    (total, tensor) => total + tensor.size * tf.util.bytesPerElement(tensor.dtype),
    0,
  );
}

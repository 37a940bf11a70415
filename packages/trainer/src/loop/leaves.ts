import type { Tensor } from '@tensorflow/tfjs-core';
import { flattenParams, isWeightForm, mapParams, weightOperations } from '@tesserae/core';
import type { Model, ParameterSpec, Params, WeightForm } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';

/** Tells by its path whether a parameter learns. */
export type Trainable = (path: string) => boolean;

/** One tensor of a model: a dense weight, or one inside a weight form. */
export interface Leaf {
  /** `layers.0.attention.query.weight`; inside a form `layers.0.attention.query.weight#down`. */
  readonly path: string;
  /** Its name in a checkpoint, made in the same way. */
  readonly checkpointName: string;
  readonly tensor: Tensor;
  /** Whether weight decay applies to it. */
  readonly decay: boolean;
  readonly learns: boolean;
  readonly insideForm: boolean;
}

/**
 * Every tensor of a model, in the order of its tree, and whether it learns: as `trainable` says or the model's own
 * `trainable`; else all but the architecture's fixed tables.
 *
 * @param model any model; forms such as adapters are taken apart
 * @param trainable tells by its path whether a parameter learns; the model's own when absent
 * @returns one leaf a tensor
 * @throws E_WEIGHT_FORM when nothing says what learns and a form has no part that can; E_OPTION when nothing learns
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, gpt2 } from '@tesserae/core';
 * import { modelLeaves } from '@tesserae/trainer';
 * const config = { vocabSize: 8, hiddenSize: 4, numHiddenLayers: 1, numAttentionHeads: 1, maxPositionEmbeddings: 4 };
 * const leaves = modelLeaves(createModel(gpt2, config), (path) => path.startsWith('layers'));
 * console.log(leaves[0].path, leaves[0].learns); // → tokenEmbedding.weight false
 * ```
 */
export function modelLeaves<C>(model: Model<C>, trainable: Trainable | undefined = model.trainable): Leaf[] {
  const specs = new Map(model.architecture.parameters(model.config).map((spec) => [spec.path, spec]));
  const leaves = flattenParams(model.params).flatMap(([path, weight]) =>
    isWeightForm(weight)
      ? formLeaves(path, weight, specs.get(path), trainable)
      : [leafOf(path, weight, specs.get(path), trainable)],
  );
  if (leaves.some(({ learns }) => learns)) return leaves;
  throw tesseraeError({
    package: 'trainer',
    code: 'E_OPTION',
    message: 'no parameter of the model learns',
    fix: 'let trainable be true for some path, for instance /^layers/.test(path)',
  });
}

function leafOf(path: string, tensor: Tensor, spec: ParameterSpec | undefined, trainable?: Trainable): Leaf {
  const able = tensor.dtype === 'float32' && spec?.trainable !== false;
  if (tensor.dtype !== 'float32' && trainable === undefined)
    throw weightForm(path, `is ${tensor.dtype}`, 'turn it into a float32 weight, or say with trainable what learns');
  return {
    path,
    checkpointName: spec?.checkpointName ?? path,
    tensor,
    decay: spec?.decay ?? tensor.rank > 1,
    learns: able && (trainable?.(path) ?? true),
    insideForm: false,
  };
}

function formLeaves(path: string, weight: WeightForm, spec: ParameterSpec | undefined, trainable?: Trainable): Leaf[] {
  const operations = weightOperations(weight);
  const able = operations.trainable?.(weight) ?? [];
  if (able.length === 0 && trainable === undefined)
    throw weightForm(
      path,
      `is a ${operations.kind} weight, of which no part can learn`,
      'turn it into a dense weight first, or say with trainable what learns',
    );
  return Object.entries(operations.tensors(weight)).map(([name, tensor]) => ({
    path: `${path}#${name}`,
    checkpointName: `${spec?.checkpointName ?? path}#${name}`,
    tensor,
    decay: spec?.decay ?? tensor.rank > 1,
    learns: able.includes(name) && (trainable?.(`${path}#${name}`) ?? true),
    insideForm: true,
  }));
}

/**
 * The tree of a model around other tensors.
 *
 * @param params a parameter tree
 * @param tensors by the paths of {@link modelLeaves}, each of its leaf's shape; leaves that are not in it stay
 * @returns a new tree; the given one is left alone
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { treeWith } from '@tesserae/trainer';
 * const next = treeWith({ bias: tf.zeros([2]) }, new Map([['bias', tf.ones([2])]]));
 * console.log(Array.from((next.bias as tf.Tensor).dataSync())); // → [ 1, 1 ]
 * ```
 */
export function treeWith(params: Params, tensors: ReadonlyMap<string, Tensor>): Params {
  return mapParams(params, (weight, path) => {
    if (!isWeightForm(weight)) return tensors.get(path) ?? weight;
    const operations = weightOperations(weight);
    const inside = Object.entries(operations.tensors(weight));
    return operations.withTensors(
      weight,
      Object.fromEntries(inside.map(([name, own]) => [name, tensors.get(`${path}#${name}`) ?? own])),
    );
  });
}

function weightForm(path: string, why: string, fix: string): Error {
  return tesseraeError({
    package: 'trainer',
    code: 'E_WEIGHT_FORM',
    message: `${path} ${why}`,
    fix,
    details: { path },
  });
}

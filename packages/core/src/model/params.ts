import type * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import { isTensor } from '../compile/tree';
import { isWeightForm, weightOperations } from './weight';
import type { Weight } from './weight';
import type { Params, ParamsNode } from './types';

/**
 * Whether a node of a parameter tree is a leaf: a tensor or a weight form.
 *
 * @param node any node of a parameter tree
 * @returns true for a weight, false for a branch
 * @example
 * ```ts
 * import { isWeight } from '@tesserae/core';
 *
 * console.log(isWeight({ layers: [] })); // → false
 * ```
 */
export function isWeight(node: ParamsNode): node is Weight {
  return isTensor(node) || isWeightForm(node);
}

/**
 * Makes a tree of the same form from each weight of another.
 *
 * @param params a parameter tree
 * @param fn called with each weight and its path, `layers.0.attention.query.weight`
 * @returns a new tree; the given one is left alone
 * @throws E_PARAMS when a node is neither weight, array nor plain object
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { flattenParams, mapParams } from '@tesserae/core';
 *
 * const params = { layers: [{ weight: tf.ones([2, 2]) }] };
 * const zeros = mapParams(params, (weight) => tf.zerosLike(weight as tf.Tensor));
 * console.log(flattenParams(zeros).map(([path]) => path)); // → [ 'layers.0.weight' ]
 * ```
 */
export function mapParams(params: Params, fn: (weight: Weight, path: string) => Weight): Params {
  const walk = (node: ParamsNode, path: string): ParamsNode => {
    if (node === null || typeof node !== 'object') throw nodeError(path, node);
    if (isWeight(node)) return fn(node, path);
    if (Array.isArray(node)) return (node as readonly ParamsNode[]).map((item, index) => walk(item, join(path, index)));
    return Object.fromEntries(Object.entries(node as Params).map(([key, item]) => [key, walk(item, join(path, key))]));
  };
  return walk(params, '') as Params;
}

/**
 * Lists a parameter tree's weights with their paths, in the tree's own order.
 *
 * @param params a parameter tree
 * @returns pairs of path and weight
 * @throws E_PARAMS when a node is neither weight, array nor plain object
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { flattenParams } from '@tesserae/core';
 *
 * const pairs = flattenParams({ norm: { weight: tf.ones([4]) }, layers: [{ bias: tf.zeros([2]) }] });
 * console.log(pairs.map(([path]) => path)); // → [ 'norm.weight', 'layers.0.bias' ]
 * ```
 */
export function flattenParams(params: Params): [path: string, weight: Weight][] {
  const pairs: [string, Weight][] = [];
  mapParams(params, (weight, path) => {
    pairs.push([path, weight]);
    return weight;
  });
  return pairs;
}

/**
 * Builds a parameter tree from paths and weights; the opposite of `flattenParams`.
 *
 * @param pairs pairs of path and weight; segments of digits become array indexes
 * @returns the tree
 * @throws E_PARAMS when a path is empty, given twice, runs through a weight, or leaves a gap in an array
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { unflattenParams } from '@tesserae/core';
 *
 * const params = unflattenParams([['layers.0.weight', tf.ones([2, 2])]]);
 * console.log(Array.isArray(params.layers)); // → true
 * ```
 */
export function unflattenParams(pairs: Iterable<readonly [path: string, weight: Weight]>): Params {
  interface Branch {
    [name: string]: Branch | Weight;
  }
  const branches = new Set<object>();
  const root: Branch = Object.create(null) as Branch;
  branches.add(root);
  for (const [path, weight] of pairs) {
    const segments = path.split('.');
    if (segments.some((segment) => segment === '')) throw pathError(path, 'has an empty segment');
    let branch = root;
    for (const segment of segments.slice(0, -1)) {
      let next = branch[segment];
      if (next === undefined) {
        next = branch[segment] = Object.create(null) as Branch;
        branches.add(next);
      } else if (!branches.has(next)) throw pathError(path, `runs through the weight at ${segment}`);
      branch = next as Branch;
    }
    const last = segments[segments.length - 1];
    if (branch[last] !== undefined) throw pathError(path, 'is taken already');
    branch[last] = weight;
  }
  const finish = (branch: Branch, path: string): ParamsNode => {
    const keys = Object.keys(branch);
    const child = (key: string): ParamsNode => {
      const node = branch[key];
      return branches.has(node) ? finish(node as Branch, join(path, key)) : (node as Weight);
    };
    if (path !== '' && keys.every((key) => /^\d+$/.test(key))) {
      return keys.map((_, index) => {
        if (branch[String(index)] === undefined)
          throw pathError(join(path, index), `is missing among ${keys.length} array entries`);
        return child(String(index));
      });
    }
    return Object.fromEntries(keys.map((key) => [key, child(key)]));
  };
  return finish(root, '') as Params;
}

/**
 * All tensors of a parameter tree: each dense weight, and each tensor inside a weight form.
 *
 * @param params a parameter tree
 * @returns the tensors, each one once, in the tree's order
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { paramTensors } from '@tesserae/core';
 *
 * console.log(paramTensors({ a: tf.ones([2]), b: tf.ones([3]) }).length); // → 2
 * ```
 */
export function paramTensors(params: Params): tf.Tensor[] {
  const tensors = new Set<tf.Tensor>();
  for (const [, weight] of flattenParams(params)) {
    if (isWeightForm(weight))
      for (const tensor of Object.values(weightOperations(weight).tensors(weight))) tensors.add(tensor);
    else tensors.add(weight);
  }
  return [...tensors];
}

/** What `flattenTree` is told to do with a leaf of a tree of weights that is none. */
export function refuseLeaf(path: string, _value: unknown, why: string): never {
  throw tesseraeError({
    package: 'core',
    code: 'E_PARAMS',
    message: `${path}: ${why}`,
    fix: 'build the tree with createModel, loadPretrained or unflattenParams',
  });
}

function join(path: string, key: string | number): string {
  return path === '' ? String(key) : `${path}.${key}`;
}

function nodeError(path: string, node: unknown): Error {
  return tesseraeError({
    package: 'core',
    code: 'E_PARAMS',
    message: `${path === '' ? 'the tree' : path} is ${node === null ? 'null' : typeof node}, not a weight, array or object`,
    fix: 'build the tree with createModel, loadPretrained or unflattenParams',
  });
}

function pathError(path: string, why: string): Error {
  return tesseraeError({
    package: 'core',
    code: 'E_PARAMS',
    message: `the parameter path '${path}' ${why}`,
    fix: 'give each weight its own dotted path, with arrays numbered from 0',
  });
}

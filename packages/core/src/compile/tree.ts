import type * as tf from '@tensorflow/tfjs-core';
import { isWeightForm, weightOperations } from '../model/weight';
import type { WeightForm } from '../model/weight';

/** One leaf of a tree that a program sees: a tensor, or a number that becomes a float32 scalar. */
export type TreeLeaf = tf.Tensor | number;

/** What a tree is without its leaves. */
export interface TreeForm {
  /** Where each leaf stands, for messages: `arguments[0].layers[3].bias`. */
  readonly paths: readonly string[];
  /** The same text for all trees of this form, and for no other. */
  readonly structure: string;
  /** Puts a tree together again. */
  rebuild(leaves: readonly tf.Tensor[]): unknown;
  /** The leaves of another tree of this form, undefined where it has another: much quicker than taking it apart. */
  match(root: unknown): TreeLeaf[] | undefined;
}

/** A tree taken apart, its leaves in order. */
export interface FlatTree {
  readonly form: TreeForm;
  readonly leaves: TreeLeaf[];
}

/** Called where a value can be no part of a tree. */
export type Refuse = (path: string, value: unknown, why: string) => never;

const identities = /* @__PURE__ */ new WeakMap<object, number>();
let nextIdentity = 0;

/** A number that stands for one object or function, the same as long as it lives. */
function identity(value: object): number {
  let found = identities.get(value);
  if (found === undefined) identities.set(value, (found = nextIdentity++));
  return found;
}

/** Whether a value is a tensor, of whatever copy of TensorFlow.js. */
export function isTensor(value: unknown): value is tf.Tensor {
  return (
    typeof value === 'object' &&
    value !== null &&
    'dataId' in value &&
    'dtype' in value &&
    'shape' in value &&
    'isDisposed' in value
  );
}

/** What is known of one node of a tree. */
interface Part {
  rebuild(next: () => tf.Tensor): unknown;
  /** Whether a value is such a node; adds its leaves. */
  match(value: unknown, leaves: TreeLeaf[]): boolean;
}

const leafPart: Part = {
  rebuild: (next) => next(),
  match(value, leaves) {
    const fits = typeof value === 'number' || isTensor(value);
    if (fits) leaves.push(value);
    return fits;
  },
};

const constantPart = (value: unknown): Part => ({ rebuild: () => value, match: (other) => other === value });

const listPart = (parts: readonly Part[]): Part => ({
  rebuild: (next) => parts.map((part) => part.rebuild(next)),
  match: (value, leaves) =>
    Array.isArray(value) && value.length === parts.length && parts.every((part, i) => part.match(value[i], leaves)),
});

const isPlain = (value: object): boolean => {
  const prototype = Object.getPrototypeOf(value) as unknown;
  return prototype === Object.prototype || prototype === null;
};

function recordPart(keys: readonly string[], parts: readonly Part[]): Part {
  return {
    rebuild: (next) => Object.fromEntries(keys.map((key, i) => [key, parts[i].rebuild(next)])),
    match(value, leaves) {
      if (typeof value !== 'object' || value === null) return false;
      const others = Object.keys(value);
      if (others.length !== keys.length) return false;
      for (let i = 0; i < keys.length; i++) {
        if (others[i] !== keys[i] || !parts[i].match((value as Record<string, unknown>)[keys[i]], leaves)) return false;
      }
      return true;
    },
  };
}

/** An object of no class; neither a tensor nor a weight form. */
const plainPart = (inside: Part): Part => ({
  ...inside,
  match: (value, leaves) =>
    typeof value === 'object' &&
    value !== null &&
    isPlain(value) &&
    !isWeightForm(value) &&
    !isTensor(value) &&
    inside.match(value, leaves),
});

function weightPart(weight: WeightForm, structure: string, inside: Part): Part {
  const operations = weightOperations(weight);
  return {
    rebuild: (next) => operations.withTensors(weight, inside.rebuild(next) as Record<string, tf.Tensor>),
    match: (value, leaves) =>
      isWeightForm(value) &&
      weightOperations(value) === operations &&
      operations.structure(value) === structure &&
      inside.match(operations.tensors(value), leaves),
  };
}

/**
 * Takes a tree of tensors apart. Arrays, plain objects and weight forms are branches; tensors and numbers are leaves;
 * strings, booleans, null, undefined and functions belong to the structure.
 */
export function flattenTree(root: unknown, path: string, refuse: Refuse): FlatTree {
  const leaves: TreeLeaf[] = [];
  const paths: string[] = [];
  const text: string[] = [];

  const walk = (value: unknown, at: string): Part => {
    if (isTensor(value) || typeof value === 'number') {
      leaves.push(value);
      paths.push(at);
      text.push('t');
      return leafPart;
    }
    if (value === null || value === undefined || typeof value === 'boolean' || typeof value === 'string') {
      text.push(value === undefined ? 'u' : JSON.stringify(value));
      return constantPart(value);
    }
    if (typeof value === 'function') {
      text.push(`f${identity(value)}`);
      return constantPart(value);
    }
    if (typeof value !== 'object') return refuse(at, value, `a ${typeof value} can be no argument or result`);
    if (Array.isArray(value)) {
      text.push('[');
      const parts = value.map((item, index) => walk(item, `${at}[${index}]`));
      text.push(']');
      return listPart(parts);
    }
    if (isWeightForm(value)) {
      const operations = weightOperations(value);
      const structure = operations.structure(value);
      text.push(`w${identity(operations)}(${structure})`);
      return weightPart(value, structure, branch(operations.tensors(value), at));
    }
    if (!isPlain(value)) {
      const name = (value as { constructor?: { name?: string } }).constructor?.name ?? 'object';
      return refuse(at, value, `a ${name} is neither a plain object, an array nor a tensor`);
    }
    return plainPart(branch(value as Record<string, unknown>, at));
  };

  const branch = (value: Record<string, unknown>, at: string): Part => {
    const keys = Object.keys(value);
    text.push('{');
    const parts = keys.map((key) => {
      text.push(JSON.stringify(key));
      return walk(value[key], at === '' ? key : `${at}.${key}`);
    });
    text.push('}');
    return recordPart(keys, parts);
  };

  const whole = walk(root, path);
  const form: TreeForm = {
    paths,
    structure: text.join(','),
    rebuild(tensors) {
      let index = 0;
      return whole.rebuild(() => tensors[index++]);
    },
    match(other) {
      const found: TreeLeaf[] = [];
      return whole.match(other, found) ? found : undefined;
    },
  };
  return { form, leaves };
}

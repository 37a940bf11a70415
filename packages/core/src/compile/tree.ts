import type * as tf from '@tensorflow/tfjs-core';
import { isWeightForm, weightOperations } from '../model/weight';

/** One leaf of a tree that a program sees: a tensor, or a number that becomes a float32 scalar. */
export interface TreeLeaf {
  /** `arguments[0].layers[3].bias`, for messages. */
  readonly path: string;
  readonly value: tf.Tensor | number;
}

/** A tree taken apart: its leaves in order, its structure as text, and how to put it together again. */
export interface FlatTree {
  readonly leaves: TreeLeaf[];
  readonly structure: string;
  rebuild(leaves: readonly tf.Tensor[]): unknown;
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

/**
 * Takes a tree of tensors apart. Arrays, plain objects and weight forms are branches; tensors and numbers are leaves;
 * strings, booleans, null, undefined and functions belong to the structure.
 */
export function flattenTree(root: unknown, path: string, refuse: Refuse): FlatTree {
  const leaves: TreeLeaf[] = [];
  const text: string[] = [];
  type Rebuild = (next: () => tf.Tensor) => unknown;

  const walk = (value: unknown, at: string): Rebuild => {
    if (isTensor(value) || typeof value === 'number') {
      leaves.push({ path: at, value });
      text.push('t');
      return (next) => next();
    }
    if (value === null || value === undefined || typeof value === 'boolean' || typeof value === 'string') {
      text.push(value === undefined ? 'u' : JSON.stringify(value));
      return () => value;
    }
    if (typeof value === 'function') {
      text.push(`f${identity(value)}`);
      return () => value;
    }
    if (typeof value !== 'object') return refuse(at, value, `a ${typeof value} can be no argument or result`);
    if (Array.isArray(value)) {
      text.push('[');
      const parts = value.map((item, index) => walk(item, `${at}[${index}]`));
      text.push(']');
      return (next) => parts.map((part) => part(next));
    }
    if (isWeightForm(value)) {
      const operations = weightOperations(value);
      const tensors = operations.tensors(value);
      text.push(`w${identity(operations)}(${operations.structure(value)})`);
      const parts = branch(tensors, at);
      return (next) => operations.withTensors(value, parts(next) as Record<string, tf.Tensor>);
    }
    const prototype = Object.getPrototypeOf(value) as unknown;
    if (prototype !== Object.prototype && prototype !== null) {
      const name = (value as { constructor?: { name?: string } }).constructor?.name ?? 'object';
      return refuse(at, value, `a ${name} is neither a plain object, an array nor a tensor`);
    }
    return branch(value as Record<string, unknown>, at);
  };

  const branch = (value: Record<string, unknown>, at: string): Rebuild => {
    text.push('{');
    const parts = Object.keys(value).map((key) => {
      text.push(JSON.stringify(key));
      return [key, walk(value[key], at === '' ? key : `${at}.${key}`)] as const;
    });
    text.push('}');
    return (next) => Object.fromEntries(parts.map(([key, part]) => [key, part(next)]));
  };

  const rebuild = walk(root, path);
  return {
    leaves,
    structure: text.join(','),
    rebuild(tensors) {
      let index = 0;
      return rebuild(() => tensors[index++]);
    },
  };
}

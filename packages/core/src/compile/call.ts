import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import { flattenTree } from './tree';
import type { TreeForm, TreeLeaf } from './tree';

/** What calls have in common that run the same program. */
export interface Signature {
  readonly backend: string;
  readonly form: TreeForm;
  /** Shape and dtype of each leaf. */
  readonly inputs: readonly { readonly shape: readonly number[]; readonly dtype: tf.DataType }[];
  /** Which leaves belong to consumed arguments. */
  readonly donated: readonly boolean[];
  /** The same text for all calls of one signature, and for no other. */
  readonly key: string;
}

/** A call taken apart. */
export interface Call {
  readonly signature: Signature;
  /** Its leaves, numbers made into scalars. */
  readonly tensors: readonly tf.Tensor[];
  readonly scalars: readonly tf.Tensor[];
  /** Whether the donated tensors are used up: a run that began may have written over them, even one that failed. */
  spent: boolean;
}

/** A program in steady use is found within so many that were used last; others take the long way. */
const recent = 4;

/**
 * Takes arguments apart.
 *
 * @param donate the arguments that the call consumes
 * @throws E_COMPILE_ARGUMENT, E_DONATED, E_DISPOSED
 */
export function openCall(name: string, args: readonly unknown[], donate: ReadonlySet<number>): Call {
  const { form, leaves } = flattenTree(args, 'arguments', (path, _value, why) => {
    throw argumentError(name, path, why);
  });
  const donated = form.paths.map((path) => donate.has(Number(/^arguments\[(\d+)\]/.exec(path)?.[1])));
  checkTensors(name, leaves, form.paths, donated);
  const inputs = leaves.map((value) =>
    typeof value === 'number'
      ? { shape: [], dtype: 'float32' as const }
      : { shape: value.shape.slice(), dtype: value.dtype },
  );
  const types = inputs.map(({ shape, dtype }) => `${dtype}${JSON.stringify(shape)}`).join('');
  const backend = tf.getBackend();
  return fill({ backend, form, inputs, donated, key: `${backend}|${form.structure}|${types}` }, leaves);
}

/**
 * Takes arguments apart that look like those of an earlier call; undefined where they look like none of the last few.
 *
 * @throws E_DONATED, E_DISPOSED
 */
export function recallCall(
  name: string,
  args: readonly unknown[],
  known: readonly { readonly signature: Signature }[],
): Call | undefined {
  const backend = tf.getBackend();
  for (let at = 0; at < known.length && at < recent; at++) {
    const { signature } = known[at];
    const leaves = signature.backend === backend ? signature.form.match(args) : undefined;
    if (!leaves || !leavesFit(leaves, signature.inputs)) continue;
    checkTensors(name, leaves, signature.form.paths, signature.donated);
    return fill(signature, leaves);
  }
  return undefined;
}

function leavesFit(leaves: readonly TreeLeaf[], inputs: Signature['inputs']): boolean {
  for (let at = 0; at < inputs.length; at++) {
    const leaf = leaves[at];
    const { shape, dtype } = inputs[at];
    if (typeof leaf === 'number') {
      if (dtype !== 'float32' || shape.length > 0) return false;
      continue;
    }
    if (leaf.dtype !== dtype || leaf.shape.length !== shape.length) return false;
    for (let axis = 0; axis < shape.length; axis++) if (leaf.shape[axis] !== shape[axis]) return false;
  }
  return true;
}

function fill(signature: Signature, leaves: readonly TreeLeaf[]): Call {
  const scalars: tf.Tensor[] = [];
  const tensors = leaves.map((value) => {
    if (typeof value !== 'number') return value;
    const scalar = tf.keep(tf.scalar(value, 'float32'));
    scalars.push(scalar);
    return scalar;
  });
  return { signature, tensors, scalars, spent: false };
}

/** Disposes what the call made, and what it consumed. */
export function closeCall({ signature, tensors, scalars, spent }: Call): void {
  for (const scalar of scalars) scalar.dispose();
  if (!spent) return;
  const { donated } = signature;
  for (let at = 0; at < tensors.length; at++) if (donated[at] && !tensors[at].isDisposed) tensors[at].dispose();
}

function checkTensors(
  name: string,
  leaves: readonly TreeLeaf[],
  paths: readonly string[],
  donated: readonly boolean[],
): void {
  const consumed = new Set<TreeLeaf>();
  for (let at = 0; at < leaves.length; at++) {
    const leaf = leaves[at];
    if (typeof leaf === 'number') continue;
    if (leaf.isDisposed) throw disposedError(name, leaf, paths[at], donated[at]);
    if (!donated[at]) continue;
    if (consumed.has(leaf)) throw twiceError(name, leaf, leaves, paths);
    consumed.add(leaf);
  }
  if (consumed.size === 0) return;
  for (let at = 0; at < leaves.length; at++)
    if (!donated[at] && consumed.has(leaves[at])) throw twiceError(name, leaves[at], leaves, paths);
}

function disposedError(name: string, tensor: tf.Tensor, path: string, donated: boolean): Error {
  if (!donated) {
    return tesseraeError({
      package: 'core',
      code: 'E_DISPOSED',
      message: `${name}: ${path} ([${tensor.shape}] ${tensor.dtype}) is disposed`,
      fix: 'keep the tensor until the call, or clone it before it is disposed',
    });
  }
  const fix = 'use the tensors that the earlier call returned in its place';
  return donatedError(name, `${path} was consumed or disposed before this call`, fix);
}

function twiceError(name: string, tensor: TreeLeaf, leaves: readonly TreeLeaf[], paths: readonly string[]): Error {
  const first = leaves.indexOf(tensor);
  const again = leaves.indexOf(tensor, first + 1);
  return donatedError(
    name,
    `one tensor is both ${paths[first]} and ${paths[again]}, and the call consumes it`,
    'pass tf.clone(tensor) in one of the places',
  );
}

function donatedError(name: string, message: string, fix: string): Error {
  return tesseraeError({ package: 'core', code: 'E_DONATED', message: `${name}: ${message}`, fix });
}

/** The type of a value, for messages. */
export function describeValue(value: unknown): string {
  return value === null ? 'null' : typeof value;
}

/** The error of an argument that can be none. */
export function argumentError(name: string, path: string, why: string): Error {
  return tesseraeError({
    package: 'core',
    code: 'E_COMPILE_ARGUMENT',
    message: `${name}: ${path}: ${why}`,
    fix: 'pass tensors, numbers, strings, booleans, arrays, plain objects and weights; close over everything else',
  });
}

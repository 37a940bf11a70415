import type * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import { isTensor } from '../compile/tree';

/** A shape error: which op, which tensor, which dimension in words, expected against found. */
export function shapeError(op: string, message: string, fix: string): Error {
  return tesseraeError({ package: 'core', code: 'E_SHAPE', message: `${op}: ${message}`, fix });
}

/** Checks that an argument is a tensor of one of these dtypes that is not disposed. */
export function requireTensor(
  op: string,
  name: string,
  value: unknown,
  dtypes: readonly string[] = ['float32'],
): asserts value is tf.Tensor {
  if (!isTensor(value)) {
    throw tesseraeError({
      package: 'core',
      code: 'E_TENSOR',
      message: `${op}: ${name} is ${value === null ? 'null' : typeof value}, not a tensor`,
      fix: `pass a ${dtypes.join(' or ')} tensor`,
    });
  }
  if (value.isDisposed) {
    throw tesseraeError({
      package: 'core',
      code: 'E_DISPOSED',
      message: `${op}: ${name} ([${value.shape}] ${value.dtype}) is disposed`,
      fix: 'keep the tensor until the call, or clone it before it is disposed',
    });
  }
  if (!dtypes.includes(value.dtype)) {
    throw tesseraeError({
      package: 'core',
      code: 'E_DTYPE',
      message: `${op}: ${name} is ${value.dtype}, expected ${dtypes.join(' or ')}`,
      fix: `convert it with tf.cast(${name}, '${dtypes[0]}')`,
    });
  }
}

/** Checks that a tensor has a shape; `legend` names its dimensions, null lets a dimension be anything. */
export function requireShape(
  op: string,
  name: string,
  tensor: tf.Tensor,
  expected: readonly (number | null)[],
  legend: string,
): void {
  const fits =
    tensor.shape.length === expected.length &&
    expected.every((size, axis) => size === null || size === tensor.shape[axis]);
  if (fits) return;
  const wanted = expected.map((size) => size ?? 'any').join(', ');
  throw shapeError(
    op,
    `${name} must be [${legend}] = [${wanted}], found [${tensor.shape.join(', ')}]`,
    `reshape ${name} or check where it comes from`,
  );
}

/** Checks that a tensor has at least so many dimensions. */
export function requireRank(op: string, name: string, tensor: tf.Tensor, rank: number, legend: string): void {
  if (tensor.shape.length < rank) {
    throw shapeError(
      op,
      `${name} must be [${legend}], found [${tensor.shape.join(', ')}]`,
      `reshape ${name} to ${rank} or more dimensions`,
    );
  }
}

/** The last dimension. */
export function width(tensor: tf.Tensor): number {
  return tensor.shape[tensor.shape.length - 1];
}

/** Product of all dimensions but the last. */
export function rowCount(tensor: tf.Tensor): number {
  return tensor.shape.slice(0, -1).reduce((product, size) => product * size, 1);
}

/** The shape as plain numbers, to take apart: TensorFlow.js types it as a union of tuples. */
export function sizes(tensor: tf.Tensor): number[] {
  return tensor.shape as number[];
}

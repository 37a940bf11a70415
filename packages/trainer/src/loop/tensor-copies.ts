import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { SafetensorsData } from '@tesserae/core';
import type { OptimizerState } from '../optimizers/index';

/** The values of a tensor in memory of their own, which no step changes. */
export interface TensorCopy {
  readonly data: SafetensorsData;
  readonly shape: readonly number[];
  /** As safetensors files name it. */
  readonly dtype: string;
}

/** Parameters that learn, in the order of the model's tree, and the state of optimizer and gradient method. */
export interface StateCopy {
  readonly parameters: readonly TensorCopy[];
  readonly state: Readonly<Record<string, readonly TensorCopy[]>>;
}

const dtypes: Readonly<Record<string, string>> = { int32: 'I32', bool: 'BOOL' };

/** Copies tensors out of the backend. */
export async function copyTensors(tensors: readonly Tensor[]): Promise<TensorCopy[]> {
  const copies: TensorCopy[] = [];
  for (const tensor of tensors) {
    const data = (await tensor.data()).slice() as unknown as SafetensorsData;
    copies.push({ data, shape: tensor.shape.slice(), dtype: dtypes[tensor.dtype] ?? 'F32' });
  }
  return copies;
}

/** Copies everything that a step goes on from. */
export async function copyState(parameters: readonly Tensor[], state: OptimizerState): Promise<StateCopy> {
  const slots: Record<string, TensorCopy[]> = {};
  for (const [slot, tensors] of Object.entries(state)) slots[slot] = await copyTensors(tensors);
  return { parameters: await copyTensors(parameters), state: slots };
}

/** A tensor with the values of a copy, in memory of its own. */
export function tensorOf({ data, shape, dtype }: TensorCopy): Tensor {
  const type = dtype === 'I32' ? 'int32' : dtype === 'BOOL' ? 'bool' : 'float32';
  return tf.tensor(data.slice() as unknown as Float32Array, [...shape], type);
}

/** The tensors of a state, by slot. */
export const stateOf = (slots: StateCopy['state']): OptimizerState =>
  Object.fromEntries(Object.entries(slots).map(([slot, copies]) => [slot, copies.map(tensorOf)]));

/**
 * The same values in memory of their own: a clone would share it, and donating the clone would change the original. The
 * backend makes that memory, so that a program may write over it; memory that came from outside it leaves alone.
 */
export const copyOf = (tensor: Tensor): Tensor =>
  tensor.dtype === 'bool'
    ? tf.tensor(tensor.dataSync().slice(), tensor.shape, 'bool')
    : tf.tidy(() => tf.mul(tensor, tf.scalar(1, tensor.dtype)));

/** A copy in place of a tensor, which is disposed. */
export function moved(tensor: Tensor): Tensor {
  const copy = copyOf(tensor);
  tensor.dispose();
  return copy;
}

/** Reads a scalar and frees it. */
export async function take(scalar: Tensor): Promise<number> {
  const [value] = await scalar.data();
  scalar.dispose();
  return value;
}

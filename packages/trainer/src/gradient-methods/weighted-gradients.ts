import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import type { GradientInputs } from './gradient-method';
import { gradientsOf } from './gradients-of';

/** Losses as one vector, by their names, and the gradients of their weighted sum. */
export interface WeightedGradients {
  readonly losses: Readonly<Record<string, Scalar>>;
  /** [K] in the order of the names. */
  readonly values: Tensor1D;
  readonly gradients: Tensor[];
}

/** The gradients of Σ wₖ Lₖ, with the losses themselves, in one pass. @param weights [K]; ones when absent */
export function weightedGradients(
  losses: GradientInputs['losses'],
  parameters: readonly Tensor[],
  weights?: Tensor,
): WeightedGradients {
  let names: string[] = [];
  const stacked = (other: readonly Tensor[]): Scalar => {
    const found = losses(other);
    names = Object.keys(found);
    return tf.stack(names.map((name) => found[name])) as unknown as Scalar; // [K]
  };
  const { loss, gradients } = gradientsOf(stacked, parameters, weights as Scalar | undefined);
  const values = loss as unknown as Tensor1D;
  return { values, gradients, losses: named(names, values) };
}

/** The entries of a vector as losses by name. */
const named = (names: readonly string[], values: Tensor1D): Record<string, Scalar> =>
  Object.fromEntries(tf.unstack(values).map((value, i) => [names[i], value as Scalar]));

/** Σ over all tensors of Σ aᵢ bᵢ. */
export const dot = (a: readonly Tensor[], b: readonly Tensor[]): Scalar =>
  tf.addN(a.map((one, i) => tf.sum(tf.mul(one, b[i])))) as Scalar;

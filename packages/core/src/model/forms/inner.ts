import type * as tf from '@tensorflow/tfjs-core';
import { isWeightForm, weightOperations } from '../weight';
import type { Weight } from '../weight';

/** The tensors of a weight inside a form: `base`, or `base.` before each name of a form's own. */
export function innerTensors(base: Weight): Record<string, tf.Tensor> {
  if (!isWeightForm(base)) return { base };
  const tensors = weightOperations(base).tensors(base);
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`base.${name}`, tensor]));
}

/** The weight inside, around other tensors of those names. */
export function withInnerTensors(base: Weight, tensors: Readonly<Record<string, tf.Tensor>>): Weight {
  if (!isWeightForm(base)) return tensors.base;
  const own = Object.entries(tensors).filter(([name]) => name.startsWith('base.'));
  return weightOperations(base).withTensors(
    base,
    Object.fromEntries(own.map(([name, tensor]) => [name.slice('base.'.length), tensor])),
  );
}

/** What of a weight inside changes the computation. */
export function innerStructure(base: Weight): string {
  if (!isWeightForm(base)) return 'dense';
  const operations = weightOperations(base);
  return `${operations.kind}(${operations.structure(base)})`;
}

/** The shape of the dense matrix that a weight is or stands for. */
export function weightShape(weight: Weight): number[] {
  return isWeightForm(weight) ? weightOperations(weight).shape(weight) : (weight.shape as number[]);
}

/** A weight as a dense tensor, for reading: a plain one is itself. Call it inside `tf.tidy`. */
export function denseOf(weight: Weight): tf.Tensor {
  return isWeightForm(weight) ? weightOperations(weight).toDense(weight) : weight;
}

import type * as tf from '@tensorflow/tfjs-core';
import { isWeightForm, weightOperations } from '@tesserae/core';
import type { Weight } from '@tesserae/core';

/** A weight's values as float32; of a weight in another form, the dense matrix that it stands for. */
export async function denseValues(weight: Weight): Promise<Float32Array> {
  if (!isWeightForm(weight)) return (await weight.data()) as Float32Array;
  const dense: tf.Tensor = weightOperations(weight).toDense(weight);
  try {
    return (await dense.data()) as Float32Array;
  } finally {
    dense.dispose();
  }
}

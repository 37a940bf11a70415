import * as tf from '@tensorflow/tfjs-core';
import { nearestName, tesseraeError } from '@tesserae/registry';
import { gelu } from './gelu';
import { geluTanh } from './geluTanh';
import { quickGelu } from './quickGelu';
import { silu } from './silu';

const activations: Readonly<Record<string, (x: tf.Tensor) => tf.Tensor>> = {
  gelu,
  gelu_new: geluTanh,
  gelu_pytorch_tanh: geluTanh,
  gelu_fast: geluTanh,
  quick_gelu: quickGelu,
  silu,
  swish: silu,
  relu: (x) => tf.relu(x),
  tanh: (x) => tf.tanh(x),
  sigmoid: (x) => tf.sigmoid(x),
  linear: (x) => tf.clone(x),
};

/**
 * An activation function by its name in Hugging Face configs.
 *
 * @param name `gelu`, `gelu_new`, `gelu_pytorch_tanh`, `gelu_fast`, `quick_gelu`, `silu`, `swish`, `relu`, `tanh`, `sigmoid`, `linear`
 * @returns the function, from any tensor to one of the same shape
 * @throws E_ACTIVATION on an unknown name
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { activation } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * console.log(activation('relu')(tf.scalar(-1)).dataSync()[0]); // → 0
 * ```
 */
export function activation(name: string): (x: tf.Tensor) => tf.Tensor {
  const found = Object.hasOwn(activations, name) ? activations[name] : undefined;
  if (found) return found;
  const known = Object.keys(activations);
  const near = nearestName(name, known);
  throw tesseraeError({
    package: 'core',
    code: 'E_ACTIVATION',
    message: `the activation '${name}' is unknown; known are ${known.join(', ')}`,
    fix: near ? `did you mean '${near}'?` : 'use one of them',
  });
}

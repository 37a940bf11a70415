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
  gelu_python: gelu,
  gelu_python_tanh: geluTanh,
  gelu_accurate: geluTanh,
  gelu_10: (x) => tf.tidy(() => tf.minimum(tf.maximum(gelu(x), -10), 10)),
  relu2: (x) => tf.tidy(() => tf.square(tf.relu(x))),
  relu6: (x) => tf.relu6(x),
  leaky_relu: (x) => tf.leakyRelu(x, 0.01),
  mish: (x) => tf.tidy(() => tf.mul(x, tf.tanh(tf.softplus(x)))),
  laplace: (x) => tf.tidy(() => tf.mul(0.5, tf.add(1, tf.erf(tf.div(tf.sub(x, 0.707107), 0.282095 * Math.SQRT2))))),
};

/**
 * An activation function by its name in Hugging Face configs.
 *
 * @param name `gelu` (`gelu_python`), `gelu_new` (`gelu_pytorch_tanh`, `gelu_python_tanh`, `gelu_accurate`, `gelu_fast`),
 *   `gelu_10`, `quick_gelu`, `silu` (`swish`), `mish`, `relu`, `relu2`, `relu6`, `leaky_relu`, `laplace`, `tanh`, `sigmoid`, `linear`
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

import * as tf from '@tensorflow/tfjs-core';
import { activation, registerGradients } from '@tesserae/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { use } from '../support/backends';

/** Values and derivatives of the rarer activations at a few places, by PyTorch in double precision. */
const points = [-12, -1.5, -0.25, 0.5, 3, 7, 12];
const expected: Record<string, readonly [readonly number[], readonly number[]]> = {
  gelu_python: [
    [-0, -0.1002108019, -0.1003234186, 0.3457312306, 2.995950306, 7, 12],
    [-2.575660483e-31, -0.1274691922, 0.3046266451, 0.8674951247, 1.011945647, 1, 1],
  ],
  gelu_accurate: [
    [-0, -0.100428423, -0.1003246493, 0.3457140098, 2.996362608, 7, 12],
    [0, -0.1277107932, 0.3046459048, 0.8673699035, 1.011584167, 1, 1],
  ],
  gelu_10: [
    [-0, -0.1002108019, -0.1003234186, 0.3457312306, 2.995950306, 7, 10],
    [-2.575660483e-31, -0.1274691922, 0.3046266451, 0.8674951247, 1.011945647, 1, 0],
  ],
  relu2: [
    [0, 0, 0, 0.25, 9, 49, 144],
    [0, 0, 0, 1, 6, 14, 24],
  ],
  relu6: [
    [0, 0, 0, 0.5, 3, 6, 6],
    [0, 0, 0, 1, 1, 0, 0],
  ],
  leaky_relu: [
    [-0.12, -0.015, -0.0025, 0.5, 3, 7, 12],
    [0.01, 0.01, 0.01, 1, 1, 1, 1],
  ],
  mish: [
    [-7.373032173e-5, -0.2980997422, -0.1299269637, 0.3752452113, 2.986535005, 6.99998838, 12],
    [-6.758590175e-5, -0.06409781589, 0.4398156017, 0.8864243754, 1.021106911, 1.000021559, 1.000000002],
  ],
  laplace: [
    [0, 2.553512957e-15, 0.0003458431368, 0.2314211484, 1, 1, 1],
    [0, 7.20946583e-14, 0.004475422641, 1.080114051, 6.375366175e-15, 1.232242836e-108, 0],
  ],
  quick_gelu: [
    [-1.618641784e-8, -0.1083378016, -0.0988003501, 0.3503884366, 2.98192869, 6.999953128, 11.99999998],
    [-2.620041497e-8, -0.09884806462, 0.293499559, 0.879221912, 1.024548324, 1.000073079, 1.000000026],
  ],
  silu: [
    [-7.373009523e-5, -0.2736382857, -0.1094558748, 0.3112296656, 2.85772238, 6.993622642, 11.99992627],
    [-6.758546761e-5, -0.0412941543, 0.3762899784, 0.7399611873, 1.088104106, 1.005460497, 1.000067585],
  ],
};

describe.each(['cpu', 'onnx'] as const)('activations by their Hugging Face names, on %s', (backend) => {
  beforeAll(async () => {
    await use(backend);
    registerGradients();
  });

  it.each(Object.entries(expected))('%s', (name, [values, slopes]) => {
    const fn = activation(name);
    const x = tf.tensor1d(points);
    const { value, grad } = tf.valueAndGrad((input) => tf.sum(fn(input)))(x);
    const found = fn(x).dataSync();
    values.forEach((wanted, i) =>
      expect(Math.abs(found[i] - wanted)).toBeLessThan(1e-5 * Math.max(1, Math.abs(wanted))),
    );
    const gradient = grad.dataSync();
    slopes.forEach((wanted, i) =>
      expect(Math.abs(gradient[i] - wanted)).toBeLessThan(2e-5 * Math.max(1, Math.abs(wanted))),
    );
    expect(value.shape).toEqual([]);
  });
});

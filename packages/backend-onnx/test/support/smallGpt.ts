import * as tf from '@tensorflow/tfjs-core';
import { random } from './compareBackends';
import type { Plain } from './compareBackends';

/** Sizes of a small GPT. */
export interface GptSize {
  D: number;
  L: number;
  H: number;
  T: number;
  B: number;
  V: number;
}

/** Initial parameters: matrices 0.08 wide, gains 1, biases 0. */
export function gptParameters({ D, L, T, V }: GptSize): Plain[] {
  const matrix = (...shape: number[]): Plain => random(shape, 'float32', -0.08, 0.08);
  const constant = (size: number, value: number): Plain => ({
    shape: [size],
    dtype: 'float32',
    values: new Array<number>(size).fill(value),
  });
  const norm = (): Plain[] => [constant(D, 1), constant(D, 0)];
  const layer = (): Plain[] => [
    ...norm(),
    matrix(D, 3 * D),
    constant(3 * D, 0),
    matrix(D, D),
    constant(D, 0),
    ...norm(),
    matrix(D, 4 * D),
    constant(4 * D, 0),
    matrix(4 * D, D),
    constant(D, 0),
  ];
  return [matrix(V, D), matrix(T, D), ...Array.from({ length: L }, layer).flat(), ...norm()];
}

const layerNorm = (x: tf.Tensor, gain: tf.Tensor, bias: tf.Tensor): tf.Tensor => {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true);
  return tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, 1e-5))), gain), bias);
};
const gelu = (x: tf.Tensor): tf.Tensor =>
  tf.mul(
    tf.mul(x, 0.5),
    tf.add(tf.tanh(tf.mul(0.7978845608, tf.add(x, tf.mul(0.044715, tf.mul(x, tf.mul(x, x)))))), 1),
  );
const linear = (x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor): tf.Tensor => {
  const [B, T, D] = x.shape;
  return tf.reshape(tf.add(tf.matMul(tf.reshape(x, [B * T, D]), weight as tf.Tensor2D), bias), [
    B,
    T,
    weight.shape[1]!,
  ]);
};

/** Cross-entropy of a GPT-2. x and y [B,T] */
export function gptLoss({ D, L, H, T, B, V }: GptSize, p: readonly tf.Tensor[], x: tf.Tensor, y: tf.Tensor): tf.Scalar {
  const mask = tf.tensor(
    Float32Array.from({ length: T * T }, (_, i) => (i % T <= Math.floor(i / T) ? 0 : -1e9)),
    [T, T],
  );
  let h: tf.Tensor = tf.add(tf.gather(p[0], x as tf.Tensor2D), p[1]); // [B,T,D]
  for (let layer = 0; layer < L; layer++) {
    const q = p.slice(2 + 12 * layer, 14 + 12 * layer);
    const qkv = linear(layerNorm(h, q[0], q[1]), q[2], q[3]); // [B,T,3D]
    const heads = tf.split(qkv, 3, 2).map((part) => tf.transpose(tf.reshape(part, [B, T, H, D / H]), [0, 2, 1, 3]));
    const weights = tf.softmax(tf.add(tf.mul(tf.matMul(heads[0], heads[1], false, true), 1 / Math.sqrt(D / H)), mask)); // [B,H,T,T]
    const mixed = tf.reshape(tf.transpose(tf.matMul(weights, heads[2]), [0, 2, 1, 3]), [B, T, D]);
    h = tf.add(h, linear(mixed, q[4], q[5]));
    h = tf.add(h, linear(gelu(linear(layerNorm(h, q[6], q[7]), q[8], q[9])), q[10], q[11]));
  }
  h = layerNorm(h, p.at(-2)!, p.at(-1)!);
  const logits = tf.matMul(tf.reshape(h, [B * T, D]), p[0] as tf.Tensor2D, false, true); // [B·T,V]
  const picked = tf.sum(tf.mul(tf.logSoftmax(logits), tf.oneHot(tf.reshape(y, [B * T]) as tf.Tensor1D, V)), 1); // [B·T]
  return tf.neg(tf.mean(picked)) as tf.Scalar;
}

/** One step of Adam: [x, y, step, ...parameters, ...first moments, ...second moments] → [loss, ...the same three]. */
export function gptStep(size: GptSize, count: number): (inputs: tf.Tensor[]) => tf.Tensor[] {
  const [rate, decay1, decay2, epsilon] = [1e-3, 0.9, 0.95, 1e-8];
  return ([x, y, step, ...state]) => {
    const [parameters, first, second] = [0, 1, 2].map((i) => state.slice(i * count, (i + 1) * count));
    const { value, grads } = tf.valueAndGrads((...p: tf.Tensor[]) => gptLoss(size, p, x, y))(parameters);
    const gradients = grads as unknown as tf.Tensor[];
    const correction1 = tf.sub(1, tf.pow(decay1, step));
    const correction2 = tf.sub(1, tf.pow(decay2, step));
    const m = gradients.map((g, i) => tf.add(tf.mul(first[i], decay1), tf.mul(g, 1 - decay1)));
    const v = gradients.map((g, i) => tf.add(tf.mul(second[i], decay2), tf.mul(tf.square(g), 1 - decay2)));
    const p = parameters.map((old, i) => {
      const scale = tf.add(tf.sqrt(tf.div(v[i], correction2)), epsilon);
      return tf.sub(old, tf.mul(rate, tf.div(tf.div(m[i], correction1), scale)));
    });
    return [value, ...p, ...m, ...v];
  };
}

import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import type { Key } from '../model/types';
import { bernoulli, bernoulliProbability } from '../random/bernoulli';
import { asKeyTensor } from '../random/keyTensor';
import { defineOp } from './defineOp';
import { requireTensor } from './shapes';

/** The tensors of the op. */
export type DropoutInputs = { x: tf.Tensor; key: tf.Tensor };
/** The settings of the op. */
export type DropoutAttributes = { rate: number; site: number };

/** [value, mask]: the mask is 0 where dropped, 1 / (share kept) elsewhere. */
function drop({ x, key }: DropoutInputs, { rate, site }: DropoutAttributes): [tf.Tensor, tf.Tensor] {
  const kept = tf.cast(tf.logicalNot(bernoulli(key, x.shape, rate, site)), 'float32');
  const mask = tf.mul(kept, 1 / (1 - bernoulliProbability(rate)));
  return [tf.mul(x, mask), mask];
}

/** Dropout under an explicit key. See {@link dropout}. */
export const dropoutOp = /* @__PURE__ */ defineOp<DropoutInputs, DropoutAttributes>({
  name: 'Dropout',
  composite: (inputs, attributes) => drop(inputs, attributes)[0],
  gradient: {
    forward: drop,
    backward: ({ gradient, extras: [mask] }) => ({ x: tf.mul(gradient, mask) }),
  },
});

/** What `dropout` is told. */
export interface DropoutOptions {
  /** Share of elements set to zero, from 0 to below 1; rounded to a multiple of 1/509. */
  readonly rate: number;
  /** A host key or its tensor form. */
  readonly key: Key | tf.Tensor;
  /** Which of several places under one key this is; 0 when absent. */
  readonly site?: number | undefined;
}

/**
 * Dropout: sets a random share of the elements to zero and divides the others by the share kept.
 * Srivastava et al.: "Dropout: A Simple Way to Prevent Neural Networks from Overfitting" (2014), in its inverted form.
 *
 * @param x any shape
 * @param options `rate`, `key`, `site`
 * @returns the same shape
 * @throws E_OPTION when the rate is not from 0 to below 1; E_KEY on a bad key; E_DTYPE, E_TENSOR, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { createKey, dropout } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const y = dropout(tf.ones([1000]), { rate: 0.5, key: createKey(3) });
 * console.log(Math.abs(tf.mean(y).dataSync()[0] - 1) < 0.1); // → true
 * ```
 */
export function dropout(x: tf.Tensor, options: DropoutOptions): tf.Tensor {
  const { rate, key, site = 0 } = options;
  requireTensor('dropout', 'x', x);
  if (!(rate >= 0 && bernoulliRate(rate) < 1)) {
    throw tesseraeError({
      package: 'core',
      code: 'E_OPTION',
      message: `dropout: the rate ${rate} is not from 0 to below 1`,
      fix: 'use a share such as 0.1',
    });
  }
  if (rate === 0) return tf.clone(x);
  return tf.tidy(() => dropoutOp({ x, key: asKeyTensor(key) }, { rate, site }));
}

function bernoulliRate(rate: number): number {
  return rate <= 1 ? bernoulliProbability(rate) : rate;
}

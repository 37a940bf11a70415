import * as tf from '@tensorflow/tfjs-core';
import type { GoldenTraining } from './golden';

/** First and second moments of each parameter. */
export interface Moments {
  readonly first: tf.Tensor[];
  readonly second: tf.Tensor[];
}

/** Scalars of one step; tensors, so that one program serves all steps. */
export interface StepScalars {
  /** lr / (1 − β₁ᵗ) */
  readonly rate: tf.Tensor;
  /** √(1 − β₂ᵗ) */
  readonly secondCorrection: tf.Tensor;
}

/** The scalars of step t, from 1. */
export function stepScalars({ lr, betas }: GoldenTraining, step: number): { rate: number; secondCorrection: number } {
  return { rate: lr / (1 - betas[0] ** step), secondCorrection: Math.sqrt(1 - betas[1] ** step) };
}

/**
 * One step of AdamW on every tensor alike, decay on everything, as the fixtures were made:
 * θ ← θ (1 − lr λ) − lr / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε). Loshchilov and Hutter (2019), algorithm 2.
 */
export function adamwStep(
  params: readonly tf.Tensor[],
  grads: readonly tf.Tensor[],
  moments: Moments,
  { rate, secondCorrection }: StepScalars,
  { lr, betas: [beta1, beta2], eps, weight_decay: decay }: GoldenTraining,
): { params: tf.Tensor[]; moments: Moments } {
  const mix = (old: tf.Tensor, value: tf.Tensor, beta: number): tf.Tensor =>
    tf.add(tf.mul(old, beta), tf.mul(value, 1 - beta));
  const first = moments.first.map((m, i) => mix(m, grads[i], beta1));
  const second = moments.second.map((v, i) => mix(v, tf.square(grads[i]), beta2));
  const next = params.map((p, i) => {
    const scale = tf.add(tf.div(tf.sqrt(second[i]), secondCorrection), eps);
    return tf.sub(tf.mul(p, 1 - lr * decay), tf.mul(rate, tf.div(first[i], scale)));
  });
  return { params: next, moments: { first, second } };
}

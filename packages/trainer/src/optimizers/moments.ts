import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import type { OptimizerState } from './optimizer';

/** Adam's memory: running sums of gradients and of their squares, and the sums of the weights in them. */
export interface MomentState extends OptimizerState {
  /** Per parameter Σ β₁^(t-k) gₖ. */
  readonly mean: readonly Tensor[];
  /** Per parameter Σ β₂^(t-k) gₖ². */
  readonly variance: readonly Tensor[];
  /** Two scalars, Σ β₁^(t-k) and Σ β₂^(t-k): what the sums are divided by to become averages. */
  readonly weights: readonly Tensor[];
}

/** Decay rates of the two averages, and the term that keeps the quotient finite. */
export interface MomentOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
}

/** Adam's memory before the first step. */
export function initMoments(parameters: readonly Tensor[]): MomentState {
  return {
    mean: parameters.map((parameter) => tf.zeros(parameter.shape)),
    variance: parameters.map((parameter) => tf.zeros(parameter.shape)),
    weights: [tf.scalar(0), tf.scalar(0)],
  };
}

/** One step of Adam's averages, ready to be subtracted from the parameters. */
export interface MomentStep {
  readonly state: MomentState;
  /** Per parameter: learning rate × bias-corrected mean ÷ (√bias-corrected variance + eps). */
  readonly changes: Tensor[];
}

/**
 * Advances the two averages and gives the change of every parameter.
 *
 * The averages are kept as weighted sums, not normalized by (1 - β): that saves two passes over the gradients, and
 * dividing a sum by the sum of its weights *is* the bias correction. All of that division happens in scalars:
 * lr · (M/w₁) / (√(V/w₂) + eps) = (lr·√w₂/w₁) · M / (√V + eps·√w₂).
 */
export function advanceMoments(
  gradients: readonly Tensor[],
  state: MomentState,
  learningRate: Scalar,
  { beta1, beta2, eps }: MomentOptions,
): MomentStep {
  const weight1 = tf.add(tf.mul(state.weights[0], beta1), 1); // []
  const weight2 = tf.add(tf.mul(state.weights[1], beta2), 1); // []
  const root = tf.sqrt(weight2); // []
  const rate = tf.div(tf.mul(learningRate, root), weight1); // []
  const floor = tf.mul(root, eps); // []
  const mean = gradients.map((gradient, i) => tf.add(tf.mul(state.mean[i], beta1), gradient));
  const variance = gradients.map((gradient, i) => tf.add(tf.mul(state.variance[i], beta2), tf.square(gradient)));
  const changes = mean.map((m, i) => tf.mul(tf.div(m, tf.add(tf.sqrt(variance[i]), floor)), rate));
  return { state: { mean, variance, weights: [weight1, weight2] }, changes };
}

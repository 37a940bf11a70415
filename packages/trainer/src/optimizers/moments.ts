import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { runFused } from '@tesserae/core';
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

/** What one step of Adam takes beside gradients, memory and parameters. */
export interface MomentContext extends MomentOptions {
  /** [] */
  readonly learningRate: Scalar;
  /** [] A factor on all gradients; 1 when absent. */
  readonly gradientScale?: Scalar | undefined;
  /** Per parameter the factor by which it shrinks first; undefined leaves it. */
  readonly keep: readonly (Scalar | undefined)[];
}

/**
 * Advances the two averages and every parameter.
 *
 * The averages are kept as weighted sums, not normalized by (1 - β): that saves two passes over the gradients, and
 * dividing a sum by the sum of its weights *is* the bias correction. All of that division happens in scalars:
 * lr · (M/w₁) / (√(V/w₂) + eps) = (lr·√w₂/w₁) · M / (√V + eps·√w₂).
 * Where the backend has it, a fused kernel does all of it in one pass over each parameter.
 */
export function momentUpdate(
  gradients: readonly Tensor[],
  state: MomentState,
  parameters: readonly Tensor[],
  { learningRate, gradientScale, keep, beta1, beta2, eps }: MomentContext,
): { parameters: Tensor[]; state: MomentState } {
  const weight1 = tf.add(tf.mul(state.weights[0], beta1), 1); // []
  const weight2 = tf.add(tf.mul(state.weights[1], beta2), 1); // []
  const root = tf.sqrt(weight2); // []
  const rate = tf.div(tf.mul(learningRate, root), weight1); // []
  const floor = tf.mul(root, eps); // []
  const factorsWith = (kept: Scalar | undefined): Tensor =>
    tf.stack([kept ?? tf.scalar(1), rate, floor, tf.scalar(beta1), tf.scalar(beta2), gradientScale ?? tf.scalar(1)]); // [6]
  const factors = new Map([...new Set(keep)].map((kept) => [kept, factorsWith(kept)]));
  const advanced = parameters.map((parameter, i): readonly Tensor[] => {
    const [gradient, first, second] = [gradients[i], state.mean[i], state.variance[i]];
    const fused = runFused('AdamWUpdate', { parameter, gradient, first, second, factors: factors.get(keep[i])! });
    if (fused) return fused;
    const scaled = gradientScale ? tf.mul(gradient, gradientScale) : gradient;
    const mean = tf.add(tf.mul(first, beta1), scaled);
    const variance = tf.add(tf.mul(second, beta2), tf.square(scaled));
    const change = tf.mul(tf.div(mean, tf.add(tf.sqrt(variance), floor)), rate);
    return [tf.sub(keep[i] ? tf.mul(parameter, keep[i]) : parameter, change), mean, variance];
  });
  return {
    parameters: advanced.map(([parameter]) => parameter),
    state: {
      mean: advanced.map(([, mean]) => mean),
      variance: advanced.map(([, , variance]) => variance),
      weights: [weight1, weight2],
    },
  };
}

import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { crossEntropy, logSoftmax } from '@tesserae/core';
import { checkOptions } from '../../options';
import { classLossRules } from './loss-options';
import { weightedMean } from './weighted-mean';

/** Options of {@link focalLoss}. */
export interface FocalLossOptions {
  /** How much less counts what is already right, γ: 2; with 0 it is cross-entropy. */
  readonly gamma?: number;
  /** A weight for each class, for instance one over its frequency; all 1 when absent. */
  readonly classWeights?: readonly number[];
  /** Share of the target that is spread evenly over all classes: 0. */
  readonly labelSmoothing?: number;
}

/**
 * Cross-entropy in which examples that are already right count less, with weights for classes and smoothed labels.
 *
 * L = Σₙ Σₖ tₙₖ wₖ (1 − pₙₖ)^γ (−log pₙₖ) / Σₙ w of the label of n, where t is 1 at the label, or (1 − ε) there and ε / C more
 * everywhere. With γ = 0 it is `torch.nn.functional.cross_entropy(weight, label_smoothing)`.
 *
 * @param logits [N, C]
 * @param labels int32 [N], from 0 to C − 1; −100 is ignored
 * @param options `gamma`, `classWeights`, `labelSmoothing`
 * @returns a scalar; 0 when no label counts
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be
 *
 * Lin et al.: "Focal Loss for Dense Object Detection" (2017), equation 5; Szegedy et al. (2016), section 7, for smoothing.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { focalLoss } from '@tesserae/trainer';
 * const logits = tf.tensor2d([[0, 0]]);
 * const labels = tf.tensor1d([1], 'int32');
 * console.log(focalLoss(logits, labels, { gamma: 2 }).dataSync()[0].toFixed(4)); // → 0.1733
 * ```
 */
export function focalLoss(logits: Tensor, labels: Tensor, options: FocalLossOptions = {}): Scalar {
  checkOptions<FocalLossOptions>('focalLoss', options, classLossRules);
  const { gamma = 2, classWeights, labelSmoothing = 0 } = options;
  if (gamma === 0 && classWeights === undefined) return crossEntropy(logits, labels, { labelSmoothing }) as Scalar;
  const classes = logits.shape[1]!;
  return tf.tidy(() => {
    const counted = tf.cast(tf.notEqual(labels, tf.scalar(-100, 'int32')), 'float32'); // [N]
    const label = tf.mul(labels, tf.cast(counted, 'int32'));
    const one = tf.cast(tf.equal(tf.expandDims(label, 1), tf.range(0, classes, 1, 'int32')), 'float32'); // [N, C]
    const weights = classWeights === undefined ? tf.ones([classes]) : tf.tensor1d([...classWeights]); // [C]
    const target = tf.add(tf.mul(one, 1 - labelSmoothing), labelSmoothing / classes);
    const logarithms = logSoftmax(logits); // [N, C]
    const easy = gamma === 0 ? logarithms : tf.mul(logarithms, wrongness(logarithms, gamma));
    const losses = tf.neg(tf.sum(tf.mul(tf.mul(target, weights), easy), 1)); // [N]
    const own = tf.mul(tf.sum(tf.mul(one, weights), 1), counted); // [N]
    return weightedMean(tf.mul(losses, counted), own);
  });
}

/** (1 − p)^γ of log p. Kept away from 0, where a power has no slope. */
const wrongness = (logarithms: Tensor, gamma: number): Tensor =>
  tf.pow(tf.maximum(tf.sub(1, tf.exp(logarithms)), 1e-7), gamma);

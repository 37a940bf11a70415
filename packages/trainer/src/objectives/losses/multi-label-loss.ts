import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { checkOptions } from '../../options';
import { logSigmoid } from './log-sigmoid';
import { classLossRules } from './loss-options';

/** Options of {@link multiLabelLoss}. */
export interface MultiLabelLossOptions {
  /** How much less counts what is already right, γ: 0. */
  readonly gamma?: number;
  /** A weight for each class where it is the answer, so that rare classes are not forgotten; all 1 when absent. */
  readonly classWeights?: readonly number[];
  /** Moves targets from 0 and 1 towards ½ by this share: 0. */
  readonly labelSmoothing?: number;
}

/**
 * Binary cross-entropy of each class alone, where a text may have several classes or none.
 *
 * L = mean of (1 − q)^γ · (−w t log p − (1 − t) log(1 − p)) with p = sigmoid(logit) and q the probability of the right answer,
 * pt + (1 − p)(1 − t). With γ = 0 it is `torch.nn.functional.binary_cross_entropy_with_logits(pos_weight)`, with γ > 0 and no
 * weights torchvision's `sigmoid_focal_loss(alpha=-1)`.
 *
 * @param logits [N, C]
 * @param targets 1 for the classes that a row has, 0 for the others, [N, C]
 * @param options `gamma`, `classWeights`, `labelSmoothing`
 * @returns a scalar
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be
 *
 * Lin et al.: "Focal Loss for Dense Object Detection" (2017), section 3.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { multiLabelLoss } from '@tesserae/trainer';
 * const loss = multiLabelLoss(tf.tensor2d([[0, 0]]), tf.tensor2d([[1, 0]]));
 * console.log(loss.dataSync()[0].toFixed(4)); // → 0.6931
 * ```
 */
export function multiLabelLoss(logits: Tensor, targets: Tensor, options: MultiLabelLossOptions = {}): Scalar {
  checkOptions<MultiLabelLossOptions>('multiLabelLoss', options, classLossRules);
  const { gamma = 0, classWeights, labelSmoothing = 0 } = options;
  return tf.tidy(() => {
    const given = tf.cast(targets, 'float32'); // [N, C]
    const target = labelSmoothing === 0 ? given : tf.add(tf.mul(given, 1 - labelSmoothing), labelSmoothing / 2);
    const yes = logSigmoid(logits); // [N, C]
    const no = logSigmoid(tf.neg(logits)); // [N, C]
    const forYes = tf.mul(target, yes);
    const weighted = classWeights === undefined ? forYes : tf.mul(forYes, tf.tensor1d([...classWeights]));
    const losses = tf.neg(tf.add(weighted, tf.mul(tf.sub(1, target), no))); // [N, C]
    if (gamma === 0) return tf.mean(losses) as Scalar;
    const p = tf.sigmoid(logits);
    const wrong = tf.add(tf.mul(target, tf.sub(1, p)), tf.mul(tf.sub(1, target), p)); // 1 − q
    return tf.mean(tf.mul(losses, tf.pow(tf.maximum(wrong, 1e-7), gamma))) as Scalar;
  });
}

import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { crossEntropy } from '@tesserae/core';
import { checkOptions, rules } from '../../options';

/** Options of {@link contrastiveLoss}. */
export interface ContrastiveLossOptions {
  /** What products are divided by, τ: 0.05. */
  readonly temperature?: number;
  /** Look for the anchors of positives too, and take the mean of both: false. */
  readonly symmetric?: boolean;
}

/** What stands beside anchors and positives. */
export interface ContrastiveContext {
  /** More vectors that belong to no anchor, [M, D]. */
  readonly negatives?: Tensor | undefined;
  /** 1 where a positive [column] belongs to another anchor [row] as well, and must not count against it: [B, B]. */
  readonly alike?: Tensor | undefined;
}

/**
 * Each anchor has to find its own positive among those of all rows: InfoNCE with the negatives of the batch.
 *
 * L = mean over i of −log( exp(aᵢ·pᵢ / τ) / Σⱼ exp(aᵢ·pⱼ / τ) ), j running over the positives, and the negatives where there are some.
 *
 * @param anchors vectors of length 1, [B, D]
 * @param positives vectors of length 1, that of the same row for each anchor, [B, D]
 * @param options `temperature`, `symmetric`
 * @param context `negatives`, and which positives are `alike`
 * @returns a scalar
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be
 *
 * van den Oord et al.: "Representation Learning with Contrastive Predictive Coding" (2018), equation 4; as
 * `MultipleNegativesRankingLoss` of sentence-transformers, whose `scale` is 1 / τ.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { contrastiveLoss } from '@tesserae/trainer';
 * const vectors = tf.tensor2d([[1, 0], [0, 1]]);
 * console.log(contrastiveLoss(vectors, vectors, { temperature: 1 }).dataSync()[0].toFixed(4)); // → 0.3133
 * ```
 */
export function contrastiveLoss(
  anchors: Tensor,
  positives: Tensor,
  options: ContrastiveLossOptions = {},
  { negatives, alike }: ContrastiveContext = {},
): Scalar {
  checkOptions<ContrastiveLossOptions>('contrastiveLoss', options, {
    temperature: rules.positive,
    symmetric: rules.boolean,
  });
  const { temperature = 0.05, symmetric = false } = options;
  const [rows] = anchors.shape;
  return tf.tidy(() => {
    const own = tf.range(0, rows, 1, 'int32'); // [B]
    const others = alike && tf.mul(tf.cast(alike, 'float32'), tf.sub(1, tf.eye(rows))); // [B, B]
    const between = (one: Tensor, other: Tensor): Tensor =>
      tf.div(tf.matMul(one as tf.Tensor2D, other as tf.Tensor2D, false, true), temperature);
    const hide = (scores: Tensor, hidden: Tensor | undefined): Tensor =>
      hidden === undefined ? scores : tf.add(scores, tf.mul(hidden, never));
    const scores = hide(between(anchors, positives), others); // [B, B]
    const all = negatives === undefined ? scores : tf.concat([scores, between(anchors, negatives)], 1); // [B, B + M]
    const forward = crossEntropy(all, own);
    if (!symmetric) return forward as Scalar;
    return tf.mul(tf.add(forward, crossEntropy(tf.transpose(scores), own)), 0.5) as Scalar;
  });
}

/** Low enough that softmax gives it nothing. */
const never = -1e9;

import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { checkOptions, oneOf, rules } from '../../options';
import type { OptionRules } from '../../options';
import { logSigmoid } from './log-sigmoid';

/** Options of {@link preferenceLoss}. */
export interface PreferenceLossOptions {
  /** How closely the policy is held to the reference, β: 0.1. */
  readonly beta?: number;
  /** Logistic (`sigmoid`, DPO), `hinge` (SLiC), or squared (`ipo`): `sigmoid`. */
  readonly loss?: 'sigmoid' | 'hinge' | 'ipo';
  /** Share of the pairs that are taken to be labelled the wrong way round, with `sigmoid` alone: 0. */
  readonly labelSmoothing?: number;
}

/** Rules for options of this loss. */
export const preferenceRules: OptionRules<PreferenceLossOptions> = {
  beta: rules.positive,
  loss: oneOf('sigmoid', 'hinge', 'ipo'),
  labelSmoothing: { expected: 'a number in [0, 0.5)', test: (v) => rules.fraction.test(v) && (v as number) < 0.5 },
};

/** Log-probabilities of the two answers of each pair, [B] each. */
export interface PairLogProbabilities {
  readonly chosen: Tensor;
  readonly rejected: Tensor;
}

/**
 * What is wrong about a policy that should prefer the chosen answers more than the reference does.
 *
 * With h = (log π(chosen) − log π(rejected)) − (log πref(chosen) − log πref(rejected)): −log σ(βh) for `sigmoid`, with label
 * smoothing ε −(1 − ε) log σ(βh) − ε log σ(−βh); max(0, 1 − βh) for `hinge`; (h − 1 / 2β)² for `ipo`, to be given means over
 * an answer's tokens. The mean over the pairs.
 *
 * @param policy log-probabilities under the model that learns, [B] each
 * @param reference the same under the model it started from
 * @param options `beta`, `loss`, `labelSmoothing`
 * @returns a scalar
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be
 *
 * Rafailov et al.: "Direct Preference Optimization" (2023), equation 7; Azar et al.: "A General Theoretical Paradigm to
 * Understand Learning from Human Preferences" (2023), equation 17; Zhao et al.: "SLiC-HF" (2023). As `DPOTrainer` of TRL.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { preferenceLoss } from '@tesserae/trainer';
 * const same = { chosen: tf.tensor1d([-3]), rejected: tf.tensor1d([-5]) };
 * console.log(preferenceLoss(same, same).dataSync()[0].toFixed(4)); // → 0.6931
 * ```
 */
export function preferenceLoss(
  policy: PairLogProbabilities,
  reference: PairLogProbabilities,
  options: PreferenceLossOptions = {},
): Scalar {
  checkOptions<PreferenceLossOptions>('preferenceLoss', options, preferenceRules);
  const { beta = 0.1, loss = 'sigmoid', labelSmoothing = 0 } = options;
  return tf.tidy(() => {
    const gain = tf.sub(tf.sub(policy.chosen, policy.rejected), tf.sub(reference.chosen, reference.rejected)); // [B]
    if (loss === 'ipo') return tf.mean(tf.square(tf.sub(gain, 1 / (2 * beta)))) as Scalar;
    const margin = tf.mul(gain, beta);
    if (loss === 'hinge') return tf.mean(tf.relu(tf.sub(1, margin))) as Scalar;
    const right = tf.mean(logSigmoid(margin));
    if (labelSmoothing === 0) return tf.neg(right) as Scalar;
    const wrong = tf.mean(logSigmoid(tf.neg(margin)));
    return tf.neg(tf.add(tf.mul(right, 1 - labelSmoothing), tf.mul(wrong, labelSmoothing))) as Scalar;
  });
}

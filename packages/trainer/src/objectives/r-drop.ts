import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import { checkOptions, rules } from '../options';
import { symmetricDivergence } from './losses/symmetric-divergence';
import type { Objective, OutputObjective } from './objective';

/** Options of {@link rDrop}. */
export interface RDropOptions {
  /** How much the divergence of the two predictions counts: 1. The paper has 1 to 5, by the task. */
  readonly alpha?: number;
}

/**
 * Makes the model say the same whichever of its units are dropped: every batch goes through it twice, with other dropout
 * masks, and how far the two predictions lie apart is added to the loss.
 *
 * L = ½ (L₁ + L₂) + α · ½ (KL(p₁‖p₂) + KL(p₂‖p₁)), over the labels that count. An evaluation makes one pass, and reports the
 * objective's own loss. Works with objectives whose labels are classes or tokens, or marks of several classes; the model needs
 * some dropout.
 *
 * @param objective what is learned
 * @param options how much the divergence counts
 * @returns an objective that takes the same data
 * @throws E_OPTION for an objective that runs the model itself, E_OPTION and E_UNKNOWN_OPTION for options that cannot be
 *
 * Liang et al.: "R-Drop: Regularized Dropout for Neural Networks" (2021), equation 4, with the mean of both losses as in the
 * authors' code.
 *
 * @example
 * ```ts
 * import { rDrop, sequenceClassification } from '@tesserae/trainer';
 * console.log(rDrop(sequenceClassification(), { alpha: 2 }).name); // → r-drop sequence-classification
 * ```
 */
export function rDrop(objective: Objective, options: RDropOptions = {}): Objective {
  checkOptions<RDropOptions>('rDrop', options, { alpha: rules.nonNegative });
  const inner = requireOutputObjective('rDrop', objective);
  const { alpha = 1 } = options;
  return {
    name: `r-drop ${inner.name}`,
    hyperparameters: { ...inner.hyperparameters, rDropAlpha: alpha },
    ...(inner.packs !== undefined && { packs: inner.packs }),
    prepare: (model, data, settings) => inner.prepare(model, data, settings),
    parts: ['loss', 'divergence'],
    draws: 2,
    losses(run, tensors) {
      const { labels, ...inputs } = tensors;
      const one = run.forward(inputs);
      if (!run.training) return { loss: inner.loss(one, tensors), divergence: tf.scalar(0) };
      const other = run.forward(inputs, { draw: 1 });
      const loss = tf.mul(tf.add(inner.loss(one, tensors), inner.loss(other, tensors)), 0.5) as Scalar;
      return { loss, divergence: tf.mul(divergenceOf(one.logits, other.logits, labels), alpha) as Scalar };
    },
  };
}

/** By what the labels are: one for each row of logits, or a mark for each logit. */
function divergenceOf(one: Tensor, other: Tensor, labels: Tensor | undefined): Scalar {
  const classes = one.shape[one.shape.length - 1];
  if (labels?.dtype === 'int32' && labels.size * classes === one.size && classes > 1)
    return symmetricDivergence(one, other, tf.notEqual(labels, tf.scalar(-100, 'int32')));
  if (labels?.dtype === 'int32' && labels.size === one.size) {
    const apart = tf.mul(tf.sub(tf.sigmoid(one), tf.sigmoid(other)), tf.sub(one, other)); // of Bernoulli distributions
    return tf.mul(tf.mean(apart), 0.5) as Scalar;
  }
  throw tesseraeError({
    package: 'trainer',
    plugin: 'rDrop',
    code: 'E_OPTION',
    message: `logits of shape [${one.shape.join(', ')}] have no label for each row`,
    fix: 'use it with an objective whose labels are classes or tokens',
  });
}

/** @throws E_OPTION unless the objective looks at one forward pass */
export function requireOutputObjective(wrapper: string, objective: Objective): OutputObjective {
  if (typeof (objective as Partial<OutputObjective> | undefined)?.loss === 'function')
    return objective as OutputObjective;
  throw tesseraeError({
    package: 'trainer',
    plugin: wrapper,
    code: 'E_OPTION',
    message: `${objective?.name ?? 'that'} is no objective with a loss of one forward pass`,
    fix: 'give one such as sequenceClassification()',
  });
}

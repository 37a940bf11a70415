import * as tf from '@tensorflow/tfjs-core';
import { checkOptions, rules } from '../options';
import type { Optimizer } from './optimizer';

/** Options of {@link averaged}. */
export interface AveragedOptions {
  /** What a step leaves of the average: 0.999. */
  readonly decay?: number;
  /** Begin with short averages, min(decay, (1 + t) / (10 + t)), so that the first steps are soon forgotten: true. */
  readonly warmup?: boolean;
}

/** The slot in which the average stands. */
export const AVERAGE_SLOT = 'average';

/**
 * Keeps an exponential moving average of the parameters beside them; the training itself is unchanged.
 *
 * a ← d·a + (1-d)·p after each step. `train` gives the model with averaged parameters as `averaged`.
 *
 * @param optimizer the optimizer that moves the parameters
 * @param options the decay, and whether it begins with short averages
 * @returns an optimizer with the average in its state, so that it is saved and resumed with the rest
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be
 *
 * Reference: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging" (1992); the warm-up is that of
 * `tf.train.ExponentialMovingAverage`.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * import { averaged, sgd } from '@tesserae/trainer';
 * const optimizer = averaged(sgd(), { decay: 0.5, warmup: false });
 * const parameters = [tf.tensor1d([1])];
 * const context = { learningRate: tf.scalar(1), step: tf.scalar(1), decay: [false] };
 * const next = optimizer.update([tf.tensor1d([1])], optimizer.init(parameters), parameters, context);
 * console.log(next.parameters[0].dataSync()[0], next.state.average[0].dataSync()[0]); // → 0 0.5
 * ```
 */
export function averaged(optimizer: Optimizer, options: AveragedOptions = {}): Optimizer {
  checkOptions<AveragedOptions>('averaged', options, { decay: rules.fraction, warmup: rules.boolean });
  const { decay = 0.999, warmup = true } = options;
  return {
    ...optimizer,
    name: `averaged ${optimizer.name}`,
    hyperparameters: { ...optimizer.hyperparameters, averageDecay: decay, averageWarmup: warmup },
    init: (parameters, names) => ({
      ...optimizer.init(parameters, names),
      [AVERAGE_SLOT]: parameters.map((parameter) => tf.add(parameter, 0)), // memory of its own: state is updated in place
    }),
    update(gradients, { [AVERAGE_SLOT]: averages, ...inner }, parameters, context) {
      const next = optimizer.update(gradients, inner, parameters, context);
      const ramp = tf.div(tf.add(context.step, 1), tf.add(context.step, 10)); // []
      const keep = warmup ? tf.minimum(ramp, decay) : tf.scalar(decay); // []
      const average = averages.map((old, i) => tf.add(tf.mul(old, keep), tf.mul(next.parameters[i], tf.sub(1, keep))));
      return { parameters: next.parameters, state: { ...next.state, [AVERAGE_SLOT]: average } };
    },
  };
}

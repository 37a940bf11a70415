import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, required, rules } from '../options';
import { checkDecay, decayProgress, withWarmup } from './schedule';
import type { Schedule } from './schedule';

/** Options of {@link polynomial}. */
export interface PolynomialOptions {
  /** The highest rate, at the end of the warm-up. */
  readonly learningRate: number;
  /** The step at which the rate reaches its minimum; it stays there afterwards. */
  readonly totalSteps: number;
  /** 1 falls along a line, 2 along a parabola: quickly first, slowly at the end. 1 when absent. */
  readonly power?: number;
  /** Steps over which the rate rises from 0: 0. */
  readonly warmupSteps?: number;
  /** The rate at the end: 0. */
  readonly minimumLearningRate?: number;
}

/**
 * A rate that rises linearly over the warm-up and then falls along a power of what is left.
 *
 * lr(s) = min + (learningRate - min) · (1 - p)^power, p = (s - warmupSteps) / (totalSteps - warmupSteps)
 *
 * @param options highest and lowest rate, warm-up, total number of steps, power
 * @returns the schedule: step → rate
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be
 *
 * Reference: equals `get_polynomial_decay_schedule_with_warmup` of Hugging Face Transformers.
 *
 * @example
 * ```ts
 * import { polynomial } from '@tesserae/trainer';
 * const schedule = polynomial({ learningRate: 1, totalSteps: 4, power: 2 });
 * console.log(schedule(0), schedule(2), schedule(4)); // → 1 0.25 0
 * ```
 */
export const polynomial: Plugin<'schedule', 'polynomial', (options: PolynomialOptions) => Schedule> =
  /* @__PURE__ */ definePlugin({
    kind: 'schedule',
    name: 'polynomial',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'A rate that falls along a power of what is left',
    create: createPolynomial,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'schedule:polynomial': typeof polynomial;
  }
}

function createPolynomial(options: PolynomialOptions): Schedule {
  checkOptions<PolynomialOptions>('polynomial', options, {
    learningRate: required(rules.positive),
    totalSteps: required(rules.positiveInteger),
    power: rules.positive,
    warmupSteps: rules.nonNegativeInteger,
    minimumLearningRate: rules.nonNegative,
  });
  const { learningRate, totalSteps, power = 1, warmupSteps = 0, minimumLearningRate = 0 } = options;
  const hyperparameters = { learningRate, totalSteps, power, warmupSteps, minimumLearningRate };
  checkDecay('polynomial', hyperparameters);
  return withWarmup('polynomial', hyperparameters, (step) => {
    const left = 1 - decayProgress(step, warmupSteps, totalSteps);
    return (learningRate - minimumLearningRate) * left ** power + minimumLearningRate;
  });
}

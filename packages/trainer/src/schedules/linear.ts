import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, required, rules } from '../options';
import { checkDecay, decayProgress, withWarmup } from './schedule';
import type { Schedule } from './schedule';

/** Options of {@link linearDecay}. */
export interface LinearDecayOptions {
  /** The highest rate, at the end of the warm-up. */
  readonly learningRate: number;
  /** The step at which the rate reaches its minimum; it stays there afterwards. */
  readonly totalSteps: number;
  /** Steps over which the rate rises from 0: 0. */
  readonly warmupSteps?: number;
  /** The rate at the end: 0. */
  readonly minimumLearningRate?: number;
}

/**
 * A rate that rises linearly over the warm-up and then falls linearly to its minimum.
 *
 * lr(s) = min + (learningRate - min) · (1 - p), p = (s - warmupSteps) / (totalSteps - warmupSteps)
 *
 * @param options highest and lowest rate, warm-up and total number of steps
 * @returns the schedule: step → rate
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be
 *
 * Reference: equals `get_linear_schedule_with_warmup` of Hugging Face Transformers.
 *
 * @example
 * ```ts
 * import { linearDecay } from '@tesserae/trainer';
 * const schedule = linearDecay({ learningRate: 0.5, totalSteps: 10, warmupSteps: 2 });
 * console.log(schedule(1), schedule(2), schedule(6), schedule(10)); // → 0.25 0.5 0.25 0
 * ```
 */
export const linearDecay: Plugin<'schedule', 'linear', (options: LinearDecayOptions) => Schedule> =
  /* @__PURE__ */ definePlugin({
    kind: 'schedule',
    name: 'linear',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'A rate that rises and falls linearly',
    create: createLinear,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'schedule:linear': typeof linearDecay;
  }
}

function createLinear(options: LinearDecayOptions): Schedule {
  checkOptions<LinearDecayOptions>('linear', options, {
    learningRate: required(rules.positive),
    totalSteps: required(rules.positiveInteger),
    warmupSteps: rules.nonNegativeInteger,
    minimumLearningRate: rules.nonNegative,
  });
  const { learningRate, totalSteps, warmupSteps = 0, minimumLearningRate = 0 } = options;
  const hyperparameters = { learningRate, totalSteps, warmupSteps, minimumLearningRate };
  checkDecay('linear', hyperparameters);
  return withWarmup('linear', hyperparameters, (step) => {
    const progress = decayProgress(step, warmupSteps, totalSteps);
    return minimumLearningRate + (learningRate - minimumLearningRate) * (1 - progress);
  });
}

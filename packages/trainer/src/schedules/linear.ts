import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions } from '../options';
import { decayRules, decaySettings } from './decay';
import type { DecayOptions } from './decay';
import { decayProgress, withWarmup } from './schedule';
import type { Schedule } from './schedule';

/** Options of {@link linearDecay}. */
export type LinearDecayOptions = DecayOptions;

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
  checkOptions<LinearDecayOptions>('linear', options, decayRules);
  const decay = decaySettings('linear', options);
  const { learningRate, totalSteps, warmupSteps, minimumLearningRate } = decay;
  return withWarmup('linear', { ...decay }, (step) => {
    const progress = decayProgress(step, warmupSteps, totalSteps);
    return minimumLearningRate + (learningRate - minimumLearningRate) * (1 - progress);
  });
}

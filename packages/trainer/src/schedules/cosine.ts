import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, rules } from '../options';
import { decayRules, decaySettings } from './decay';
import type { DecayOptions } from './decay';
import { decayProgress, withWarmup } from './schedule';
import type { Schedule } from './schedule';

/** Options of {@link cosine}. */
export interface CosineOptions extends DecayOptions {
  /** How many periods of the cosine fit between warm-up and end: 0.5, one way down. */
  readonly cycles?: number;
}

/**
 * A rate that rises linearly over the warm-up and then falls along half a cosine.
 *
 * lr(s) = min + (learningRate - min) · ½(1 + cos(2π · cycles · p)), p = (s - warmupSteps) / (totalSteps - warmupSteps)
 *
 * @param options highest and lowest rate, warm-up, total number of steps, periods
 * @returns the schedule: step → rate
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be
 *
 * Reference: Loshchilov and Hutter, "SGDR", equation 5; equals `get_cosine_schedule_with_warmup` of Hugging Face
 * Transformers.
 *
 * @example
 * ```ts
 * import { cosine } from '@tesserae/trainer';
 * const schedule = cosine({ learningRate: 0.5, totalSteps: 12, warmupSteps: 2 });
 * console.log([1, 2, 7, 12].map((step) => schedule(step).toFixed(2)).join(' ')); // → 0.25 0.50 0.25 0.00
 * ```
 */
export const cosine: Plugin<'schedule', 'cosine', (options: CosineOptions) => Schedule> = /* @__PURE__ */ definePlugin({
  kind: 'schedule',
  name: 'cosine',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'A rate that rises linearly and falls along a cosine',
  create: createCosine,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'schedule:cosine': typeof cosine;
  }
}

function createCosine(options: CosineOptions): Schedule {
  checkOptions<CosineOptions>('cosine', options, { ...decayRules, cycles: rules.positive });
  const decay = decaySettings('cosine', options);
  const { learningRate, totalSteps, warmupSteps, minimumLearningRate } = decay;
  const { cycles = 0.5 } = options;
  return withWarmup('cosine', { ...decay, cycles }, (step) => {
    const progress = decayProgress(step, warmupSteps, totalSteps);
    const height = Math.max(0, 0.5 * (1 + Math.cos(2 * Math.PI * cycles * progress)));
    return minimumLearningRate + (learningRate - minimumLearningRate) * height;
  });
}

import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, rules } from '../options';
import { decayRules, decaySettings } from './decay';
import type { DecayOptions } from './decay';
import { decayProgress, withWarmup } from './schedule';
import type { Schedule } from './schedule';

/** Options of {@link polynomial}. */
export interface PolynomialOptions extends DecayOptions {
  /** 1 falls along a line, 2 along a parabola: quickly first, slowly at the end. 1 when absent. */
  readonly power?: number;
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
  checkOptions<PolynomialOptions>('polynomial', options, { ...decayRules, power: rules.positive });
  const decay = decaySettings('polynomial', options);
  const { learningRate, totalSteps, warmupSteps, minimumLearningRate } = decay;
  const { power = 1 } = options;
  return withWarmup('polynomial', { ...decay, power }, (step) => {
    const left = 1 - decayProgress(step, warmupSteps, totalSteps);
    return (learningRate - minimumLearningRate) * left ** power + minimumLearningRate;
  });
}

import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, required, rules } from '../options';
import { withWarmup } from './schedule';
import type { Schedule } from './schedule';

/** Options of {@link exponential}. */
export interface ExponentialOptions {
  /** The highest rate, at the end of the warm-up. */
  readonly learningRate: number;
  /** What a step leaves of the rate; 0.999 halves it in 693 steps. */
  readonly decay: number;
  /** Steps over which the rate rises from 0: 0. */
  readonly warmupSteps?: number;
  /** The rate never falls below this: 0. */
  readonly minimumLearningRate?: number;
}

/**
 * A rate that falls by the same share at every step.
 *
 * lr(s) = max(min, learningRate · decay^(s - warmupSteps))
 *
 * @param options highest and lowest rate, the share that is kept, warm-up
 * @returns the schedule: step → rate
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be
 *
 * Reference: equals `torch.optim.lr_scheduler.ExponentialLR`.
 *
 * @example
 * ```ts
 * import { exponential } from '@tesserae/trainer';
 * const schedule = exponential({ learningRate: 0.8, decay: 0.5, minimumLearningRate: 0.15 });
 * console.log(schedule(0), schedule(1), schedule(2), schedule(9)); // → 0.8 0.4 0.2 0.15
 * ```
 */
export const exponential: Plugin<'schedule', 'exponential', (options: ExponentialOptions) => Schedule> =
  /* @__PURE__ */ definePlugin({
    kind: 'schedule',
    name: 'exponential',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'A rate that falls by the same share at every step',
    create: createExponential,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'schedule:exponential': typeof exponential;
  }
}

function createExponential(options: ExponentialOptions): Schedule {
  checkOptions<ExponentialOptions>('exponential', options, {
    learningRate: required(rules.positive),
    decay: required({
      expected: 'a number above 0 and at most 1',
      test: (v) => typeof v === 'number' && v > 0 && v <= 1,
    }),
    warmupSteps: rules.nonNegativeInteger,
    minimumLearningRate: rules.nonNegative,
  });
  const { learningRate, decay, warmupSteps = 0, minimumLearningRate = 0 } = options;
  return withWarmup('exponential', { learningRate, decay, warmupSteps, minimumLearningRate }, (step) =>
    Math.max(minimumLearningRate, learningRate * decay ** (step - warmupSteps)),
  );
}

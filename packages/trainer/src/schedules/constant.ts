import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, required, rules } from '../options';
import { withWarmup } from './schedule';
import type { Schedule } from './schedule';

/** Options of {@link constant}. */
export interface ConstantOptions {
  /** The rate after the warm-up. */
  readonly learningRate: number;
  /** Steps over which the rate rises from 0: 0. */
  readonly warmupSteps?: number;
}

/**
 * A rate that stays, after a linear warm-up if wanted.
 *
 * lr(s) = learningRate · min(1, s / warmupSteps)
 *
 * @param options the rate and the number of warm-up steps
 * @returns the schedule: step → rate
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be
 *
 * Reference: equals `get_constant_schedule_with_warmup` of Hugging Face Transformers.
 *
 * @example
 * ```ts
 * import { constant } from '@tesserae/trainer';
 * const schedule = constant({ learningRate: 0.1, warmupSteps: 2 });
 * console.log(schedule(0), schedule(1), schedule(100)); // → 0 0.05 0.1
 * ```
 */
export const constant: Plugin<'schedule', 'constant', (options: ConstantOptions) => Schedule> =
  /* @__PURE__ */ definePlugin({
    kind: 'schedule',
    name: 'constant',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'A rate that stays, after a linear warm-up',
    create: createConstant,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'schedule:constant': typeof constant;
  }
}

function createConstant(options: ConstantOptions): Schedule {
  checkOptions<ConstantOptions>('constant', options, {
    learningRate: required(rules.positive),
    warmupSteps: rules.nonNegativeInteger,
  });
  const { learningRate, warmupSteps = 0 } = options;
  return withWarmup('constant', { learningRate, warmupSteps }, () => learningRate);
}

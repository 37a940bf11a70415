import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, required, rules } from '../options';
import { withWarmup } from './schedule';
import type { Schedule } from './schedule';

/** Options of {@link inverseSquareRoot}. */
export interface InverseSquareRootOptions {
  /** The highest rate, at the end of the warm-up. */
  readonly learningRate: number;
  /** Steps over which the rate rises from 0: 0. */
  readonly warmupSteps?: number;
  /** The number of steps after the warm-up in which the rate falls to 1/√2: `warmupSteps`, or 10,000 without one. */
  readonly timescale?: number;
}

/**
 * A rate that falls with the root of the number of steps, without an end: for runs of unknown length.
 *
 * lr(s) = learningRate / √((s - warmupSteps + timescale) / timescale)
 *
 * @param options the highest rate, warm-up, timescale
 * @returns the schedule: step → rate
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be
 *
 * Reference: Vaswani et al., "Attention Is All You Need", equation 3; equals `get_inverse_sqrt_schedule` of Hugging Face
 * Transformers.
 *
 * @example
 * ```ts
 * import { inverseSquareRoot } from '@tesserae/trainer';
 * const schedule = inverseSquareRoot({ learningRate: 0.5, warmupSteps: 10 });
 * console.log(schedule(5), schedule(10), schedule(40)); // → 0.25 0.5 0.25
 * ```
 */
export const inverseSquareRoot: Plugin<
  'schedule',
  'inverse-square-root',
  (options: InverseSquareRootOptions) => Schedule
> = /* @__PURE__ */ definePlugin({
  kind: 'schedule',
  name: 'inverse-square-root',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'A rate that falls with the root of the steps',
  create: createInverseSquareRoot,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'schedule:inverse-square-root': typeof inverseSquareRoot;
  }
}

function createInverseSquareRoot(options: InverseSquareRootOptions): Schedule {
  checkOptions<InverseSquareRootOptions>('inverse-square-root', options, {
    learningRate: required(rules.positive),
    warmupSteps: rules.nonNegativeInteger,
    timescale: rules.positive,
  });
  const { learningRate, warmupSteps = 0 } = options;
  const timescale = options.timescale ?? (warmupSteps || 10_000);
  return withWarmup(
    'inverse-square-root',
    { learningRate, warmupSteps, timescale },
    (step) => learningRate / Math.sqrt((step - warmupSteps + timescale) / timescale),
  );
}

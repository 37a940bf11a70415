import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, oneOf, required, rules } from '../options';
import { makeSchedule } from './schedule';
import type { Schedule } from './schedule';

/** Options of {@link oneCycle}; the defaults are PyTorch's. */
export interface OneCycleOptions {
  /** The highest rate. */
  readonly learningRate: number;
  /** Steps of the cycle. */
  readonly totalSteps: number;
  /** The share of the steps over which the rate rises: 0.3. */
  readonly riseFraction?: number;
  /** The first rate is the highest divided by this: 25. */
  readonly startDivisor?: number;
  /** The last rate is the first divided by this: 10,000. */
  readonly endDivisor?: number;
  /** Along what it rises and falls: `cosine`. */
  readonly slope?: 'cosine' | 'linear';
}

/**
 * One rise to a high rate and one fall to a very low one.
 *
 * The rate goes from learningRate / startDivisor to learningRate at step riseFraction · totalSteps - 1, and from there
 * to learningRate / (startDivisor · endDivisor) at step totalSteps - 1.
 *
 * @param options highest rate, steps, where the top is, how low both ends are
 * @returns the schedule: step → rate
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be
 *
 * Reference: Smith and Topin, "Super-Convergence", section 3; equals `torch.optim.lr_scheduler.OneCycleLR`, which also
 * moves the momentum; this does not.
 *
 * @example
 * ```ts
 * import { oneCycle } from '@tesserae/trainer';
 * const schedule = oneCycle({ learningRate: 1, totalSteps: 11, riseFraction: 0.5, startDivisor: 4, slope: 'linear' });
 * console.log(schedule(0), schedule(10).toFixed(5)); // → 0.25 0.00003
 * ```
 */
export const oneCycle: Plugin<'schedule', 'one-cycle', (options: OneCycleOptions) => Schedule> =
  /* @__PURE__ */ definePlugin({
    kind: 'schedule',
    name: 'one-cycle',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'One rise to a high rate and one fall to a very low one',
    create: createOneCycle,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'schedule:one-cycle': typeof oneCycle;
  }
}

function createOneCycle(options: OneCycleOptions): Schedule {
  checkOptions<OneCycleOptions>('one-cycle', options, {
    learningRate: required(rules.positive),
    totalSteps: required(rules.positiveInteger),
    riseFraction: rules.fraction,
    startDivisor: rules.positive,
    endDivisor: rules.positive,
    slope: oneOf('cosine', 'linear'),
  });
  const {
    learningRate,
    totalSteps,
    riseFraction = 0.3,
    startDivisor = 25,
    endDivisor = 1e4,
    slope = 'cosine',
  } = options;
  const settings = { learningRate, totalSteps, riseFraction, startDivisor, endDivisor, slope };
  const first = learningRate / startDivisor;
  const final = first / endDivisor;
  const top = Math.max(0, riseFraction * totalSteps - 1);
  const end = Math.max(top, totalSteps - 1);
  const between = (from: number, to: number, progress: number): number =>
    slope === 'linear' ? from + (to - from) * progress : to + ((from - to) / 2) * (1 + Math.cos(Math.PI * progress));
  return makeSchedule('one-cycle', settings, (step) => {
    if (step <= top) return top === 0 ? learningRate : between(first, learningRate, step / top);
    return step >= end ? final : between(learningRate, final, (step - top) / (end - top));
  });
}

import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, required, rules } from '../options';
import { refuseTogether, withWarmup } from './schedule';
import type { Schedule } from './schedule';

/** Options of {@link stepDecay}: either `everySteps` or `milestones`. */
export interface StepDecayOptions {
  /** The highest rate, at the end of the warm-up. */
  readonly learningRate: number;
  /** What each fall leaves of the rate: 0.1. */
  readonly factor?: number;
  /** Steps between falls. */
  readonly everySteps?: number;
  /** The steps at which the rate falls, in rising order. */
  readonly milestones?: readonly number[];
  /** Steps over which the rate rises from 0: 0. */
  readonly warmupSteps?: number;
}

/**
 * A rate that falls in stairs.
 *
 * lr(s) = learningRate · factor^n, n = the number of falls up to step s: ⌊s / everySteps⌋, or the milestones ≤ s
 *
 * @param options the highest rate, what a fall leaves of it, when it falls, warm-up
 * @returns the schedule: step → rate
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be
 *
 * Reference: equals `torch.optim.lr_scheduler.StepLR` and `MultiStepLR`.
 *
 * @example
 * ```ts
 * import { stepDecay } from '@tesserae/trainer';
 * const schedule = stepDecay({ learningRate: 1, factor: 0.5, milestones: [10, 30] });
 * console.log(schedule(9), schedule(10), schedule(30)); // → 1 0.5 0.25
 * ```
 */
export const stepDecay: Plugin<'schedule', 'step', (options: StepDecayOptions) => Schedule> =
  /* @__PURE__ */ definePlugin({
    kind: 'schedule',
    name: 'step',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'A rate that falls in stairs',
    create: createStepDecay,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'schedule:step': typeof stepDecay;
  }
}

function createStepDecay(options: StepDecayOptions): Schedule {
  checkOptions<StepDecayOptions>('step', options, {
    learningRate: required(rules.positive),
    factor: rules.positive,
    everySteps: rules.positiveInteger,
    milestones: {
      expected: 'whole numbers ≥ 1 in rising order',
      test: (v) =>
        Array.isArray(v) && v.length > 0 && v.every((n, i) => Number.isSafeInteger(n) && n > (v[i - 1] ?? 0)),
    },
    warmupSteps: rules.nonNegativeInteger,
  });
  const { learningRate, factor = 0.1, everySteps, milestones, warmupSteps = 0 } = options;
  if ((everySteps === undefined) === (milestones === undefined)) {
    refuseTogether(
      'step',
      'the falls are given by a distance or by a list, not by both or neither',
      'give everySteps or milestones',
    );
  }
  const when = everySteps === undefined ? { milestones: milestones!.slice() } : { everySteps };
  return withWarmup('step', { learningRate, factor, warmupSteps, ...when }, (step) => {
    const falls =
      everySteps === undefined ? milestones!.filter((at) => at <= step).length : Math.floor(step / everySteps);
    return learningRate * factor ** falls;
  });
}

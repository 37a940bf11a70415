import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, required, rules } from '../options';
import { makeSchedule } from './schedule';
import type { Measured, Schedule } from './schedule';

/** Options of {@link reduceOnPlateau}; the defaults are PyTorch's. */
export interface ReduceOnPlateauOptions {
  /** The highest rate, at the end of the warm-up. */
  readonly learningRate: number;
  /** What a fall leaves of the rate: 0.1. */
  readonly factor?: number;
  /** So many evaluations without progress are borne; the next one lowers the rate: 10. */
  readonly patience?: number;
  /** A loss counts as progress when it is below the best by this share of it: 1e-4. */
  readonly threshold?: number;
  /** Evaluations after a fall in which nothing is counted: 0. */
  readonly cooldown?: number;
  /** The rate never falls below this: 0. */
  readonly minimumLearningRate?: number;
  /** Steps over which the rate rises from 0: 0. */
  readonly warmupSteps?: number;
}

/**
 * A rate that falls when the validation loss stands still. Needs evaluations: give `train` an `evaluateEvery`.
 *
 * A pure function of the losses measured so far, so that a resumed run falls where an uninterrupted one does.
 *
 * @param options the highest and lowest rate, what a fall leaves, patience, threshold, cooldown, warm-up
 * @returns the schedule: (step, validation losses) → rate
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be
 *
 * Reference: equals `torch.optim.lr_scheduler.ReduceLROnPlateau` with `mode='min'` and a relative threshold.
 *
 * @example
 * ```ts
 * import { reduceOnPlateau } from '@tesserae/trainer';
 * const schedule = reduceOnPlateau({ learningRate: 1, factor: 0.5, patience: 1 });
 * const losses = [3, 2, 2, 2].map((loss, index) => ({ step: 10 * (index + 1), loss }));
 * console.log(schedule(30, losses.slice(0, 3)), schedule(40, losses)); // → 1 0.5
 * ```
 */
export const reduceOnPlateau: Plugin<'schedule', 'reduce-on-plateau', (options: ReduceOnPlateauOptions) => Schedule> =
  /* @__PURE__ */ definePlugin({
    kind: 'schedule',
    name: 'reduce-on-plateau',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'A rate that falls when the validation loss stands still',
    create: createReduceOnPlateau,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'schedule:reduce-on-plateau': typeof reduceOnPlateau;
  }
}

function createReduceOnPlateau(options: ReduceOnPlateauOptions): Schedule {
  checkOptions<ReduceOnPlateauOptions>('reduce-on-plateau', options, {
    learningRate: required(rules.positive),
    factor: { expected: 'a number above 0 and below 1', test: (v) => typeof v === 'number' && v > 0 && v < 1 },
    patience: rules.nonNegativeInteger,
    threshold: rules.fraction,
    cooldown: rules.nonNegativeInteger,
    minimumLearningRate: rules.nonNegative,
    warmupSteps: rules.nonNegativeInteger,
  });
  const { learningRate, factor = 0.1, patience = 10, threshold = 1e-4, cooldown = 0 } = options;
  const { minimumLearningRate = 0, warmupSteps = 0 } = options;
  const settings = { learningRate, factor, patience, threshold, cooldown, minimumLearningRate, warmupSteps };
  const rateOf: Schedule = (step, measured = []) => {
    if (step < warmupSteps) return learningRate * (step / warmupSteps);
    const sofar = measured.filter((one) => one.step <= step);
    return lower(learningRate, sofar, settings);
  };
  return makeSchedule('reduce-on-plateau', settings, rateOf, true);
}

type Settings = Required<Omit<ReduceOnPlateauOptions, 'learningRate'>>;

/** The smallest change of the rate that is made at all, as in PyTorch. */
const SMALLEST_CHANGE = 1e-8;

function lower(highest: number, losses: readonly Measured[], settings: Settings): number {
  const { factor, patience, threshold, cooldown, minimumLearningRate } = settings;
  let [rate, best, bad, resting] = [highest, Infinity, 0, 0];
  for (const { loss } of losses) {
    if (loss < best * (1 - threshold)) [best, bad] = [loss, 0];
    else bad++;
    if (resting > 0) [resting, bad] = [resting - 1, 0];
    if (bad <= patience) continue;
    const next = Math.max(rate * factor, minimumLearningRate);
    if (rate - next > SMALLEST_CHANGE) rate = next;
    [resting, bad] = [cooldown, 0];
  }
  return rate;
}

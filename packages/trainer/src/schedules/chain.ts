import { describeValue } from '@tesserae/registry';
import { checkOptions, required, rules } from '../options';
import { makeSchedule, refuseTogether } from './schedule';
import type { Measured, Schedule, ScheduleSettings } from './schedule';

/** A warm-up that waits for the schedule that it leads to. */
export interface Warmup {
  /** The warm-up, and then this schedule, counting its steps from its own first one. */
  then(schedule: Schedule): Schedule;
}

/** Options of {@link warmup}. */
export interface WarmupOptions {
  /** The rate at step 0: 0. */
  readonly from?: number;
}

/** One part of {@link chain}. */
export interface ScheduleSpan {
  readonly schedule: Schedule;
  /** How many steps it lasts; the last part may leave it out. */
  readonly steps?: number;
}

function requireSchedule(speaker: string, schedule: unknown): void {
  if (typeof schedule !== 'function')
    refuseTogether(speaker, `expected a schedule, found ${describeValue(schedule)}`, 'give one such as cosine({ … })');
}

/**
 * A linear warm-up for any schedule: `warmup(200).then(cosine({ … }))`.
 *
 * lr(s) = from + (next(0) - from) · s / steps for s < steps, next(s - steps) afterwards
 *
 * @param steps how many steps the rate rises
 * @param options where it rises from
 * @returns the warm-up; `.then(schedule)` makes the whole
 * @throws E_OPTION, E_UNKNOWN_OPTION when it is no whole number of steps, no rate, or no schedule follows
 * @example
 * ```ts
 * import { linearDecay, warmup } from '@tesserae/trainer';
 * const schedule = warmup(2).then(linearDecay({ learningRate: 1, totalSteps: 4 }));
 * console.log([0, 1, 2, 4, 6].map((step) => schedule(step)).join(' ')); // → 0 0.5 1 0.5 0
 * ```
 */
export function warmup(steps: number, options: WarmupOptions = {}): Warmup {
  checkOptions<{ steps: number }>('warmup', { steps }, { steps: required(rules.positiveInteger) });
  checkOptions<WarmupOptions>('warmup', options, { from: rules.nonNegative });
  const { from = 0 } = options;
  return {
    then(schedule) {
      requireSchedule('warmup', schedule);
      const { learningRate } = schedule.hyperparameters ?? {};
      const inner = prefixed('then', schedule);
      const settings = { ...(learningRate === undefined ? {} : { learningRate }), warmupSteps: steps, from, ...inner };
      const rateOf: Schedule = (step, measured) =>
        step < steps ? from + (schedule(0) - from) * (step / steps) : schedule(step - steps, since(measured, steps));
      return makeSchedule('warmup', settings, rateOf, schedule.needsEvaluations);
    },
  };
}

/**
 * Schedules one after the other; each counts its steps from its own first one.
 *
 * @param spans the schedules and how long each lasts; the last one goes on
 * @returns the schedule: step → rate
 * @throws E_OPTION when there is none, or one before the last has no length
 * @example
 * ```ts
 * import { chain, constant, linearDecay } from '@tesserae/trainer';
 * const schedule = chain([
 *   { schedule: constant({ learningRate: 1 }), steps: 10 },
 *   { schedule: linearDecay({ learningRate: 1, totalSteps: 4 }) },
 * ]);
 * console.log(schedule(9), schedule(12), schedule(99)); // → 1 0.5 0
 * ```
 */
export function chain(spans: readonly ScheduleSpan[]): Schedule {
  if (!Array.isArray(spans) || spans.length === 0)
    refuseTogether(
      'chain',
      `expected schedules, found ${describeValue(spans)}`,
      'give chain([{ schedule, steps }, …])',
    );
  spans.forEach(({ schedule, steps }, index) => {
    requireSchedule('chain', schedule);
    if (Number.isSafeInteger(steps) && steps! >= 1) return;
    if (steps === undefined && index === spans.length - 1) return;
    refuseTogether(
      'chain',
      `part ${index + 1} lasts ${describeValue(steps)} steps`,
      'give steps as a whole number ≥ 1',
    );
  });
  const starts = spans.map((_, index) => spans.slice(0, index).reduce((sum, { steps }) => sum + steps!, 0));
  const settings = Object.assign(
    {},
    ...spans.map(({ schedule }, i) => prefixed(`part${i + 1}`, schedule)),
  ) as ScheduleSettings;
  const rateOf: Schedule = (step, measured) => {
    const index = starts.filter((start) => start <= step).length - 1;
    return spans[index].schedule(step - starts[index], since(measured, starts[index]));
  };
  const needsEvaluations = spans.some(({ schedule }) => schedule.needsEvaluations === true);
  return makeSchedule('chain', { starts, ...settings }, rateOf, needsEvaluations);
}

/** What was measured from a step on, counted from there. */
const since = (measured: readonly Measured[] | undefined, start: number): Measured[] | undefined =>
  measured?.filter(({ step }) => step > start).map(({ step, loss }) => ({ step: step - start, loss }));

/** Name and settings of an inner schedule, for those of the outer one. */
function prefixed(prefix: string, { scheduleName, hyperparameters }: Schedule): ScheduleSettings {
  const entries = Object.entries(hyperparameters ?? {}).map(([name, value]) => [`${prefix}.${name}`, value]);
  return { [prefix]: scheduleName ?? 'custom', ...Object.fromEntries(entries) } as ScheduleSettings;
}

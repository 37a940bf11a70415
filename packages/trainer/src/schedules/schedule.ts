import { describeValue, tesseraeError } from '@tesserae/registry';

/** A validation loss that was measured after so many updates. */
export interface Measured {
  readonly step: number;
  readonly loss: number;
}

/** What a schedule was made from. */
export type ScheduleSettings = Readonly<Record<string, number | string | readonly number[] | undefined>>;

/**
 * A learning-rate schedule: from the number of updates already made (0 at the first one) to the rate of the next. A pure
 * function: what depends on the run so far is given the validation losses, so that a resumed run needs no other memory.
 */
export interface Schedule {
  (step: number, measured?: readonly Measured[]): number;
  /** What it is called, where it is one of ours. */
  readonly scheduleName?: string;
  /** What it was made from: reported, and compared with the one in a checkpoint. */
  readonly hyperparameters?: ScheduleSettings;
  /** Whether the rate depends on validation losses, so that a run without evaluations makes no sense. */
  readonly needsEvaluations?: boolean;
}

declare module '@tesserae/registry' {
  interface PluginKinds {
    /** Says the learning rate of every step. */
    schedule: Schedule;
  }
}

/** Makes a schedule of a function, with its name and settings; checks the step. */
export function makeSchedule(
  scheduleName: string,
  hyperparameters: ScheduleSettings,
  rateOf: Schedule,
  needsEvaluations = false,
): Schedule {
  const schedule = (step: number, measured?: readonly Measured[]): number => {
    if (!Number.isSafeInteger(step) || step < 0) {
      throw tesseraeError({
        package: 'trainer',
        plugin: scheduleName,
        code: 'E_OPTION',
        message: `a step must be a whole number ≥ 0, found ${describeValue(step)}`,
        fix: 'count updates from 0',
      });
    }
    return rateOf(step, measured);
  };
  return Object.assign(schedule, { scheduleName, hyperparameters, ...(needsEvaluations && { needsEvaluations }) });
}

/** Makes a schedule from a rate that is already warm and a linear warm-up that leads to it. */
export function withWarmup(
  scheduleName: string,
  hyperparameters: ScheduleSettings & { readonly learningRate: number; readonly warmupSteps: number },
  warm: (step: number) => number,
): Schedule {
  const { learningRate, warmupSteps } = hyperparameters;
  return makeSchedule(scheduleName, hyperparameters, (step) =>
    step < warmupSteps ? learningRate * (step / warmupSteps) : warm(step),
  );
}

/** How far the decay has come: 0 at the end of the warm-up, 1 at the last step and after it. */
export const decayProgress = (step: number, warmupSteps: number, totalSteps: number): number =>
  step >= totalSteps ? 1 : (step - warmupSteps) / (totalSteps - warmupSteps);

/** Refuses options that are each fine and do not go together. */
export function refuseTogether(scheduleName: string, message: string, fix: string): never {
  throw tesseraeError({ package: 'trainer', plugin: scheduleName, code: 'E_OPTION', message, fix });
}

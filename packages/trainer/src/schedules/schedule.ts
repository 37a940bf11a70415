import { tesseraeError } from '@tesserae/registry';
import { shown } from '../options';

/** A learning-rate schedule: from the number of updates already made (0 at the first one) to the rate of the next. */
export interface Schedule {
  (step: number): number;
  /** What it is called, where it is one of ours. */
  readonly scheduleName?: string;
  /** What it was made from: reported, and compared with the one in a checkpoint. */
  readonly hyperparameters?: Readonly<Record<string, number>>;
}

declare module '@tesserae/registry' {
  interface PluginKinds {
    /** Says the learning rate of every step. */
    schedule: Schedule;
  }
}

/** Makes a schedule from a rate that is already warm and a linear warm-up that leads to it. */
export function withWarmup(
  scheduleName: string,
  hyperparameters: Readonly<Record<string, number>>,
  warm: (step: number) => number,
): Schedule {
  const { learningRate, warmupSteps } = hyperparameters;
  const schedule = (step: number): number => {
    if (!Number.isSafeInteger(step) || step < 0) {
      throw tesseraeError({
        package: 'trainer',
        plugin: scheduleName,
        code: 'E_OPTION',
        message: `a step must be a whole number ≥ 0, found ${shown(step)}`,
        fix: 'count updates from 0',
      });
    }
    return step < warmupSteps ? learningRate * (step / warmupSteps) : warm(step);
  };
  return Object.assign(schedule, { scheduleName, hyperparameters });
}

/** How far the decay has come: 0 at the end of the warm-up, 1 at the last step and after it. */
export const decayProgress = (step: number, warmupSteps: number, totalSteps: number): number =>
  step >= totalSteps ? 1 : (step - warmupSteps) / (totalSteps - warmupSteps);

/** @throws E_OPTION when the warm-up is longer than the whole, or the rate would rise instead of fall */
export function checkDecay(
  scheduleName: string,
  { learningRate, minimumLearningRate, warmupSteps, totalSteps }: Readonly<Record<string, number>>,
): void {
  const long = warmupSteps > totalSteps;
  if (!long && minimumLearningRate <= learningRate) return;
  throw tesseraeError({
    package: 'trainer',
    plugin: scheduleName,
    code: 'E_OPTION',
    message: long
      ? `${warmupSteps} warm-up steps do not fit into ${totalSteps} steps`
      : `minimumLearningRate ${minimumLearningRate} is above learningRate ${learningRate}`,
    fix: long ? 'shorten warmupSteps or raise totalSteps' : 'give a minimumLearningRate below learningRate',
  });
}

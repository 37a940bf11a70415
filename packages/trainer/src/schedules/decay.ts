import { tesseraeError } from '@tesserae/registry';
import { required, rules } from '../options';
import type { OptionRule } from '../options';

/** Options of the schedules that rise over a warm-up and have fallen at the end. */
export interface DecayOptions {
  /** The highest rate, at the end of the warm-up. */
  readonly learningRate: number;
  /** The step at which the rate reaches its end; it stays there afterwards. */
  readonly totalSteps: number;
  /** Steps over which the rate rises: 0. */
  readonly warmupSteps?: number;
  /** The lowest rate: 0. */
  readonly minimumLearningRate?: number;
}

/** The rules of {@link DecayOptions}. */
export const decayRules = {
  learningRate: required(rules.positive),
  totalSteps: required(rules.positiveInteger),
  warmupSteps: rules.nonNegativeInteger,
  minimumLearningRate: rules.nonNegative,
} satisfies Record<keyof DecayOptions, OptionRule>;

/**
 * The options that have been checked one by one, with what was left out.
 *
 * @throws E_OPTION when the warm-up is longer than the whole, or the rate would rise instead of fall
 */
export function decaySettings(scheduleName: string, options: DecayOptions): Required<DecayOptions> {
  const { learningRate, totalSteps, warmupSteps = 0, minimumLearningRate = 0 } = options;
  const long = warmupSteps > totalSteps;
  if (!long && minimumLearningRate <= learningRate)
    return { learningRate, totalSteps, warmupSteps, minimumLearningRate };
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

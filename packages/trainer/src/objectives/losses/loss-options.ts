import { rules } from '../../options';
import type { OptionRule } from '../../options';

/** A list of weights, none of them negative. */
export const weightsRule: OptionRule = {
  expected: 'a list of numbers ≥ 0, one for each class',
  test: (value) => Array.isArray(value) && value.length > 0 && value.every((one) => rules.nonNegative.test(one)),
};

/** The rules of the losses that sort into classes. */
export const classLossRules = {
  gamma: rules.nonNegative,
  classWeights: weightsRule,
  labelSmoothing: rules.fraction,
} satisfies Record<string, OptionRule>;

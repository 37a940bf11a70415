/** What one option may be: words for the error message, and the test itself. */
export interface OptionRule {
  /** `a number > 0` */
  readonly expected: string;
  readonly test: (value: unknown) => boolean;
  readonly required?: boolean;
}

/** One rule per option name; a name without a rule is unknown. */
export type OptionRules<T extends object> = { readonly [K in keyof Required<T>]: OptionRule };

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

/** The rules that many options share; {@link oneOf} and {@link required} make more. */
export const optionRules: Readonly<Record<CommonRule, OptionRule>> = {
  positive: { expected: 'a number > 0', test: (v) => isNumber(v) && v > 0 },
  nonNegative: { expected: 'a number ≥ 0', test: (v) => isNumber(v) && v >= 0 },
  fraction: { expected: 'a number in [0, 1)', test: (v) => isNumber(v) && v >= 0 && v < 1 },
  positiveInteger: { expected: 'a whole number ≥ 1', test: (v) => Number.isSafeInteger(v) && (v as number) >= 1 },
  nonNegativeInteger: { expected: 'a whole number ≥ 0', test: (v) => Number.isSafeInteger(v) && (v as number) >= 0 },
  boolean: { expected: 'true or false', test: (v) => typeof v === 'boolean' },
  string: { expected: 'a non-empty string', test: (v) => typeof v === 'string' && v.length > 0 },
  function: { expected: 'a function', test: (v) => typeof v === 'function' },
  object: { expected: 'an object', test: (v) => typeof v === 'object' && v !== null && !Array.isArray(v) },
};

/** The names of the rules that many options share. */
export type CommonRule =
  | 'positive'
  | 'nonNegative'
  | 'fraction'
  | 'positiveInteger'
  | 'nonNegativeInteger'
  | 'boolean'
  | 'string'
  | 'function'
  | 'object';

/**
 * The rule of an option that is one of the given strings.
 *
 * @param values the strings
 * @returns the rule
 *
 * @example
 * ```ts
 * import { oneOf } from '@tesserae/registry';
 *
 * console.log(oneOf('left', 'right').expected); // → one of 'left', 'right'
 * ```
 */
export function oneOf(...values: string[]): OptionRule {
  return {
    expected: `one of ${values.map((value) => `'${value}'`).join(', ')}`,
    test: (value) => typeof value === 'string' && values.includes(value),
  };
}

/**
 * The same rule, and the option must be given.
 *
 * @param rule a rule
 * @returns the rule, required
 *
 * @example
 * ```ts
 * import { optionRules, required } from '@tesserae/registry';
 *
 * console.log(required(optionRules.positive).required); // → true
 * ```
 */
export function required(rule: OptionRule): OptionRule {
  return { ...rule, required: true };
}

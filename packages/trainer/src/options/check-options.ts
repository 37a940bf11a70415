import { nearestName, tesseraeError } from '@tesserae/registry';
import { meantByShortForm } from './short-forms';

/** What one option may be: words for the error message, and the test itself. */
export interface OptionRule {
  readonly expected: string;
  readonly test: (value: unknown) => boolean;
  readonly required?: boolean;
}

/** One rule per option name; a name without a rule is unknown. */
export type OptionRules<T extends object> = { readonly [K in keyof Required<T>]: OptionRule };

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

/** The rules that several options share. */
export const rules = {
  positive: { expected: 'a number > 0', test: (v: unknown) => isNumber(v) && v > 0 },
  nonNegative: { expected: 'a number ≥ 0', test: (v: unknown) => isNumber(v) && v >= 0 },
  fraction: { expected: 'a number in [0, 1)', test: (v: unknown) => isNumber(v) && v >= 0 && v < 1 },
  positiveInteger: {
    expected: 'a whole number ≥ 1',
    test: (v: unknown) => Number.isSafeInteger(v) && (v as number) >= 1,
  },
  nonNegativeInteger: {
    expected: 'a whole number ≥ 0',
    test: (v: unknown) => Number.isSafeInteger(v) && (v as number) >= 0,
  },
  boolean: { expected: 'true or false', test: (v: unknown) => typeof v === 'boolean' },
  string: { expected: 'a non-empty string', test: (v: unknown) => typeof v === 'string' && v.length > 0 },
  function: { expected: 'a function', test: (v: unknown) => typeof v === 'function' },
  object: { expected: 'an object', test: (v: unknown) => typeof v === 'object' && v !== null && !Array.isArray(v) },
} satisfies Record<string, OptionRule>;

/** One of the given strings. */
export const oneOf = (...values: string[]): OptionRule => ({
  expected: `one of ${values.map((value) => `'${value}'`).join(', ')}`,
  test: (value) => typeof value === 'string' && values.includes(value),
});

/** The same rule, and the option must be given. */
export const required = (rule: OptionRule): OptionRule => ({ ...rule, required: true });

/** A value as an error message shows it: short, and never a whole tensor or text. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value))
    return value.length > 6 ? `an array of ${value.length}` : `[${value.map(shown).join(', ')}]`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}

/**
 * Checks an options object: no unknown names, no missing ones, every value by its rule. `undefined` counts as absent.
 *
 * @throws E_OPTION for a value that is none of the allowed ones, E_UNKNOWN_OPTION for a name that no rule has
 */
export function checkOptions<T extends object>(speaker: string, options: unknown, optionRules: OptionRules<T>): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw tesseraeError({
      package: 'trainer',
      plugin: speaker,
      code: 'E_OPTION',
      message: `expected an options object, found ${shown(options)}`,
      fix: `call ${speaker}({ … })`,
    });
  }
  const known = Object.keys(optionRules);
  const table = optionRules as Record<string, OptionRule>;
  const given = options as Record<string, unknown>;
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(table, name)) continue;
    const nearest = meantByShortForm(name, known) ?? nearestName(name, known);
    throw tesseraeError({
      package: 'trainer',
      plugin: speaker,
      code: 'E_UNKNOWN_OPTION',
      message: `there is no option '${name}'${nearest === undefined ? '' : `; did you mean '${nearest}'?`}`,
      fix: `use one of ${known.join(', ')}`,
      details: { option: name, nearest, known },
    });
  }
  for (const name of known) {
    const value = given[name];
    const rule = table[name];
    if (value === undefined ? rule.required !== true : rule.test(value)) continue;
    throw tesseraeError({
      package: 'trainer',
      plugin: speaker,
      code: 'E_OPTION',
      message:
        value === undefined
          ? `the option '${name}' is missing; expected ${rule.expected}`
          : `the option '${name}' must be ${rule.expected}, found ${shown(value)}`,
      fix: value === undefined ? `add ${name}` : `give ${name} as ${rule.expected}`,
      details: { option: name, expected: rule.expected, found: value },
    });
  }
}

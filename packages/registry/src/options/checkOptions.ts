import { tesseraeError } from '../errors';
import { nearestName } from '../names/nearestName';
import { describeValue } from './describeValue';
import type { OptionRule, OptionRules } from './optionRules';

/** Whose options are checked, and the codes of what is thrown. */
export interface OptionCaller {
  /** The package that throws, without its scope: `trainer`. */
  readonly package: string;
  /** The plugin inside the package, where one is speaking. */
  readonly plugin?: string;
  /** The function that takes the options, as messages call it: `lineChart`. */
  readonly name: string;
  /** For options that are no object, and for a value that is none of the allowed ones: `E_OPTION`. */
  readonly code: `E_${string}`;
  /** For a name that there is no option of; `code` when absent. */
  readonly unknownCode?: `E_${string}`;
  /** Names that other libraries use for these options, in lower case without `_`, where no edit distance finds them. */
  readonly shortForms?: Readonly<Record<string, string>>;
}

/**
 * Checks that options are an object that holds known names only.
 *
 * @param caller whose options they are, and the codes of what is thrown
 * @param options what was given
 * @param known the names there are
 * @throws the caller's `code` when the options are no object, its `unknownCode` for a name that is not known; the message
 *   names the nearest one that is
 *
 * @example
 * ```ts
 * import { checkOptionNames } from '@tesserae/registry';
 *
 * const caller = { package: 'my-charts', name: 'pieChart', code: 'E_OPTION' } as const;
 * checkOptionNames(caller, { title: 'Pies' }, ['title', 'slices']);
 * try {
 *   checkOptionNames(caller, { slice: [] }, ['title', 'slices']);
 * } catch (error) {
 *   console.log((error as Error).message); // → [my-charts] E_OPTION: pieChart has no option "slice"; did you mean 'slices'? the options are title, slices
 * }
 * ```
 */
export function checkOptionNames(caller: OptionCaller, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw optionError(
      caller,
      caller.code,
      `${caller.name} takes an object of options, found ${describeValue(options)}`,
      `call ${caller.name} with { … }`,
    );
  }
  const option = Object.keys(options).find((name) => !known.includes(name));
  if (option === undefined) return;
  const meant = caller.shortForms?.[option.toLowerCase().replace(/_/g, '')];
  const nearest = meant !== undefined && known.includes(meant) ? meant : nearestName(option, known);
  throw optionError(
    caller,
    caller.unknownCode ?? caller.code,
    `${caller.name} has no option ${describeValue(option)}`,
    `${nearest === undefined ? '' : `did you mean '${nearest}'? `}the options are ${known.join(', ')}`,
    { option, nearest, known },
  );
}

/**
 * Checks options by rules: no unknown names, none missing, every value by its rule. `undefined` counts as absent.
 *
 * @param caller whose options they are, and the codes of what is thrown
 * @param options what was given
 * @param rules one rule per option
 * @throws the caller's `code` when the options are no object, one is missing or has a value that its rule does not allow,
 *   its `unknownCode` for a name that has no rule
 *
 * @example
 * ```ts
 * import { checkOptions, optionRules, required } from '@tesserae/registry';
 *
 * const caller = { package: 'my-optimizers', plugin: 'sgd', name: 'sgd', code: 'E_OPTION' } as const;
 * try {
 *   checkOptions(caller, { learningRate: -1 }, { learningRate: required(optionRules.positive) });
 * } catch (error) {
 *   console.log((error as Error).message); // → [my-optimizers/sgd] E_OPTION: the option 'learningRate' must be a number > 0, found -1; give learningRate as a number > 0
 * }
 * ```
 */
export function checkOptions<T extends object>(caller: OptionCaller, options: unknown, rules: OptionRules<T>): void {
  const table: [string, OptionRule][] = Object.entries(rules);
  checkOptionNames(
    caller,
    options,
    table.map(([option]) => option),
  );
  for (const [option, { expected, test, required }] of table) {
    const found = (options as Record<string, unknown>)[option];
    const which = caller.plugin === caller.name ? `'${option}'` : `'${option}' of ${caller.name}`;
    if (found === undefined ? required !== true : test(found)) continue;
    throw optionError(
      caller,
      caller.code,
      found === undefined
        ? `the option ${which} is missing; expected ${expected}`
        : `the option ${which} must be ${expected}, found ${describeValue(found)}`,
      found === undefined ? `add ${option}` : `give ${option} as ${expected}`,
      { option, expected, found },
    );
  }
}

function optionError(
  caller: OptionCaller,
  code: `E_${string}`,
  message: string,
  fix: string,
  details: Record<string, unknown> = {},
): Error {
  const plugin = caller.plugin === undefined ? {} : { plugin: caller.plugin };
  return tesseraeError({ package: caller.package, ...plugin, code, message, fix, details });
}

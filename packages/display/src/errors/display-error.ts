import { checkOptionNames, describeValue, tesseraeError } from '@tesserae/registry';
import type { TesseraeError } from '@tesserae/registry';

/** Every code that this package can throw; the README's table says when and what to do. */
export type DisplayErrorCode =
  'E_CHART_DATA' | 'E_CHART_LIBRARY' | 'E_CHART_SIZE' | 'E_OPTION' | 'E_REPORT' | 'E_TABLE';

/** An error of this package. */
export function displayError(
  code: DisplayErrorCode,
  message: string,
  fix: string,
  more: { cause?: unknown; details?: Record<string, unknown> } = {},
): TesseraeError {
  return tesseraeError({ package: 'display', code, message, fix, ...more });
}

/** Throws E_OPTION unless `options` is an object that holds known names only. */
export function checkOptions(caller: string, options: unknown, known: readonly string[]): void {
  checkOptionNames({ package: 'display', name: caller, code: 'E_OPTION' }, options, known);
}

/** Throws E_OPTION unless `value` is undefined or a finite number above `least`. */
export function checkPositive(caller: string, name: string, value: unknown): void {
  if (value === undefined || (typeof value === 'number' && Number.isFinite(value) && value > 0)) return;
  throw displayError('E_OPTION', `${name} of ${caller} is ${describeValue(value)}`, 'use a number above 0');
}

/** Throws E_OPTION unless `value` is undefined or a string. */
export function checkString(caller: string, name: string, value: unknown): void {
  if (value === undefined || typeof value === 'string') return;
  throw displayError('E_OPTION', `${name} of ${caller} is ${describeValue(value)}`, 'use a string');
}

/** Throws E_OPTION unless `value` is undefined or one of the choices. */
export function checkChoice(caller: string, name: string, value: unknown, choices: readonly unknown[]): void {
  if (value === undefined || choices.includes(value)) return;
  const list = choices.map((choice) => JSON.stringify(choice)).join(', ');
  throw displayError('E_OPTION', `${name} of ${caller} is ${describeValue(value)}`, `use one of ${list}`);
}

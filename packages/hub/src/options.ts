import { checkOptionNames } from '@tesserae/registry';

/** Refuses options that a function does not have. @throws E_UNKNOWN_OPTION */
export function checkOptions(name: string, options: unknown, known: readonly string[]): void {
  checkOptionNames({ package: 'hub', name, code: 'E_UNKNOWN_OPTION' }, options, known);
}

import { tesseraeError } from '@tesserae/registry';

/** Refuses options that a function does not have. */
export function checkOptions(name: string, options: unknown, known: readonly string[]): void {
  const given = typeof options === 'object' && options !== null ? Object.keys(options) : [String(options)];
  const unknown = given.find((option) => !known.includes(option));
  if (unknown === undefined) return;
  throw tesseraeError({
    package: 'hub',
    code: 'E_UNKNOWN_OPTION',
    message: `${name} has no option ${JSON.stringify(unknown)}`,
    fix: `use one of ${known.join(', ')}`,
  });
}

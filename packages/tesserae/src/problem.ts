import { tesseraeError } from '@tesserae/registry';

/** A coded error of this package. */
export function problem(code: `E_${string}`, message: string, fix: string): Error {
  return tesseraeError({ package: 'tesserae', code, message, fix });
}

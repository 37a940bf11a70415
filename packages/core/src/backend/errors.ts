import { isTesseraeError, tesseraeError } from '@tesserae/registry';
import type { TesseraeError, TesseraeErrorOptions } from '@tesserae/registry';

/** An error of core about choosing a backend. */
export function backendError(options: Omit<TesseraeErrorOptions, 'package'>): TesseraeError {
  return tesseraeError({ package: 'core', ...options });
}

/** A few words on why a backend could not be used: its own summary where it gives one, else its message. */
export function whyNot(error: unknown): string {
  if (isTesseraeError(error)) {
    const summary = error.details?.['summary'];
    return typeof summary === 'string' ? summary : error.message;
  }
  return error instanceof Error ? firstLine(error.message) : firstLine(String(error));
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0] ?? '';
}

import { isTesseraeError, tesseraeError } from '@tesserae/registry';
import type { TesseraeErrorOptions } from '@tesserae/registry';

/** What a coded error was made from: its message is without package, code and fix again. */
export function errorParts(error: unknown): TesseraeErrorOptions | undefined {
  if (!isTesseraeError(error)) return undefined;
  const { package: speaker, plugin, code, fix, details, message: whole } = error;
  const said = whole.slice(whole.indexOf(`${code}: `) + code.length + 2);
  const message = said.endsWith(`; ${fix}`) ? said.slice(0, -fix.length - 2) : said;
  return {
    package: speaker,
    ...(plugin !== undefined && { plugin }),
    code,
    message,
    fix,
    ...(details !== undefined && { details: { ...details } }),
  };
}

/** An error as plain JSON, for another thread. */
export interface PlainError {
  readonly coded?: TesseraeErrorOptions;
  readonly message: string;
  readonly stack: string;
}

/** What another thread needs to throw the same error. */
export function plainError(error: unknown): PlainError {
  const { message = String(error), stack = '' } = (error ?? {}) as Partial<Error>;
  const parts = errorParts(error);
  if (parts === undefined) return { message, stack };
  const details = parts.details && (JSON.parse(JSON.stringify(parts.details)) as Record<string, unknown>);
  return { message, stack, coded: { ...parts, ...(details && { details }) } };
}

/** The error of another thread: with its code where it had one, and where it happened there. */
export function errorOf({ coded, message, stack }: PlainError): Error {
  const error = coded === undefined ? new Error(message) : tesseraeError(coded);
  error.stack = `${error.stack ?? message}\n  in the worker: ${stack}`;
  return error;
}

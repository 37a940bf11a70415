/** What every error of Tesserae is made from: who speaks, a stable code, what is wrong and what to do about it. */
export interface TesseraeErrorOptions {
  /** The package that throws, without its scope: `core`, `backend-onnx`. */
  package: string;
  /** The plugin inside the package, where one is speaking: `adamw`. */
  plugin?: string;
  /** A stable name that programs may test for: `E_SHAPE`. */
  code: `E_${string}`;
  /** Expected against found, as one clause without a final stop. */
  message: string;
  /** What the reader can do about it, as one clause without a final stop. */
  fix: string;
  /** The error underneath, if this one explains another. */
  cause?: unknown;
  /** Values for programs: the step, the path, the known names. */
  details?: Record<string, unknown>;
}

/** An error of Tesserae: an ordinary `Error` with a stable `code` and a `fix`. Recognize it with {@link isTesseraeError}. */
export interface TesseraeError extends Error {
  readonly name: 'TesseraeError';
  readonly code: `E_${string}`;
  readonly package: string;
  readonly plugin?: string;
  readonly fix: string;
  readonly cause?: unknown;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Versioned, and shared by every copy of this package in the process: two copies know each other's errors. */
const brand: unique symbol = /* @__PURE__ */ Symbol.for('tesserae.error.v1');

/**
 * Makes an error with a stable code, the package that speaks and the fix.
 *
 * Its message reads `[package/plugin] CODE: message; fix`.
 *
 * @param options who speaks, the code, what is wrong (expected against found), the fix, and optionally the cause and
 *   details for programs
 * @returns an `Error` whose stack starts at the caller; throw it
 *
 * @example
 * ```ts
 * import { tesseraeError } from '@tesserae/registry';
 *
 * const error = tesseraeError({
 *   package: 'compress',
 *   code: 'E_GROUP_SIZE',
 *   message: 'group size 48 does not divide 384 input features',
 *   fix: 'use 32, 64 or 128',
 * });
 * console.log(error.message); // → [compress] E_GROUP_SIZE: group size 48 does not divide 384 input features; use 32, 64 or 128
 * ```
 */
export function tesseraeError(options: TesseraeErrorOptions): TesseraeError {
  const { plugin, code, message, fix, details } = options;
  const speaker = plugin === undefined ? options.package : `${options.package}/${plugin}`;
  const error = new Error(`[${speaker}] ${code}: ${message}; ${fix}`);
  const hidden = (value: unknown): PropertyDescriptor => ({ value, configurable: true, writable: true });
  const shown = (value: unknown): PropertyDescriptor => ({
    value,
    configurable: true,
    writable: true,
    enumerable: true,
  });
  Object.defineProperties(error, {
    [brand]: hidden(true),
    name: hidden('TesseraeError'),
    code: shown(code),
    package: shown(options.package),
    fix: shown(fix),
    ...(plugin === undefined ? {} : { plugin: shown(plugin) }),
    ...(details === undefined ? {} : { details: shown({ ...details }) }),
    ...('cause' in options ? { cause: hidden(options.cause) } : {}),
  });
  // The stack was written when the error was made: give it the name, and let it start where the caller stands.
  Error.captureStackTrace?.(error, tesseraeError);
  return error as TesseraeError;
}

/**
 * Tells whether a value is an error of Tesserae, also one that another copy of this package made.
 *
 * @param value anything, usually what was caught
 * @param code if given, the error must also carry this code
 * @returns true when the value carries the brand (and the code)
 *
 * @example
 * ```ts
 * import { isTesseraeError, tesseraeError } from '@tesserae/registry';
 *
 * try {
 *   throw tesseraeError({ package: 'core', code: 'E_SHAPE', message: 'expected [2,3], found [3,2]', fix: 'transpose it' });
 * } catch (error) {
 *   console.log(isTesseraeError(error, 'E_SHAPE')); // → true
 *   console.log(isTesseraeError(error, 'E_DTYPE')); // → false
 *   console.log(isTesseraeError(new Error('other'))); // → false
 * }
 * ```
 */
export function isTesseraeError(value: unknown, code?: string): value is TesseraeError {
  if (typeof value !== 'object' || value === null) return false;
  const error = value as { [brand]?: unknown; code?: unknown };
  return error[brand] === true && (code === undefined || error.code === code);
}

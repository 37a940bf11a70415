import { tesseraeError } from '@tesserae/registry';
import type { TesseraeError, TesseraeErrorOptions } from '@tesserae/registry';

/** An error of this package: code, expected against found, the fix, and whatever else helps. */
export function runtimeError(
  code: TesseraeErrorOptions['code'],
  message: string,
  fix: string,
  more: { cause?: unknown; details?: Record<string, unknown> } = {},
): TesseraeError {
  return tesseraeError({ package: 'backend-onnx', code, message, fix, ...more });
}

/** The message of whatever was caught. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Refuses to touch a binding that is gone or at work; `what` is what was asked of it. */
export function requireIdle(what: string, state: { readonly disposed: boolean; readonly running: boolean }): void {
  if (state.disposed)
    throw runtimeError(
      'E_DISPOSED',
      `cannot ${what}: the binding or its session was disposed of`,
      'make a new binding',
    );
  if (state.running)
    throw runtimeError(
      'E_RUNNING',
      `cannot ${what}: the binding is running`,
      'await runAsync first, or make one binding per run',
    );
}

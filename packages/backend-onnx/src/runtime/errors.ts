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

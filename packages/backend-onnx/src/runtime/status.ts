import type { TesseraeError, TesseraeErrorOptions } from '@tesserae/registry';
import { runtimeError } from './errors';

/** What each OrtErrorCode means here, and what to do about it. */
const meanings: Readonly<Record<number, readonly [code: TesseraeErrorOptions['code'], fix: string]>> = {
  2: ['E_RUNTIME_ARGUMENT', 'compare names, types and dims with session.inputs and session.outputs'],
  3: ['E_MODEL_FILE', 'check the path'],
  4: ['E_MODEL_FILE', 'check the path'],
  7: ['E_MODEL_INVALID', 'pass the bytes of an ONNX model'],
  9: ['E_NOT_IMPLEMENTED', 'use an operator, an element type or a provider that ONNX Runtime has'],
  10: ['E_MODEL_INVALID', 'correct the graph'],
  11: ['E_PROVIDER', "check the provider's driver, or use provider 'cpu'"],
};

/**
 * Turns what ONNX Runtime says into an error with a code.
 *
 * @param ortCode its OrtErrorCode
 * @param message its message
 * @param doing what was tried: `create a session`
 */
export function statusError(ortCode: number, message: string, doing: string): TesseraeError {
  const [code, fix] = meanings[ortCode] ?? ['E_RUNTIME_FAILED', 'read the message of ONNX Runtime'];
  return runtimeError(code, `ONNX Runtime could not ${doing}: ${message.trim().replace(/\.$/, '')}`, fix, {
    details: { ortCode, ortMessage: message },
  });
}

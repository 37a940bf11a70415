import type { DataType } from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import type { TesseraeError, TesseraeErrorOptions } from '@tesserae/registry';

/** The error of a tensor that outlived its trace. */
export function staleError(what: string): Error {
  return backendError(
    'E_TRACE_STALE',
    `${what} belongs to a compilation that is over`,
    'return tensors from the compiled function instead of storing them outside it',
  );
}

/** The element type of a tensor that kernels take. @throws E_KERNEL_DTYPE */
export function elementType(kernelName: string, dtype: DataType): 'float32' | 'int32' | 'bool' {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return dtype;
  throw backendError(
    'E_KERNEL_DTYPE',
    `the kernel '${kernelName}' takes no ${dtype} on the backend 'onnx'`,
    'cast to float32, int32 or bool',
  );
}

/** An error of this package: a code, what was expected and found, and what to do. */
export function backendError(
  code: TesseraeErrorOptions['code'],
  message: string,
  fix: string,
  more: { cause?: unknown; details?: Record<string, unknown> } = {},
): TesseraeError {
  return tesseraeError({ package: 'backend-onnx', code, message, fix, ...more });
}

import * as tf from '@tensorflow/tfjs-core';
import { backendName, registerKernels } from './kernels';
import { OnnxRuntimeBackend } from './onnxBackend';
import type { OnnxBackend } from './onnxBackend';
import type { OnnxBackendOptions } from './options';
import { probeHalfProducts } from './probeHalfProducts';

/**
 * Makes ONNX Runtime the backend of TensorFlow.js.
 *
 * Called again, it keeps the backend and its tensors and takes the new options: cached one-kernel sessions are dropped,
 * programs that are compiled already keep the options they were compiled with.
 *
 * @param options threads, provider (`cpu`, `webgpu`, `cuda`), profiling, and how much is cached
 * @returns the backend, which is now TensorFlow.js's active one
 * @throws E_BACKEND_OPTION when an option is unknown or out of range
 * @throws E_RUNTIME_MISSING, E_RUNTIME_LIBRARY, E_RUNTIME_VERSION when ONNX Runtime cannot be loaded
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import { useOnnx } from '@tesserae/backend-onnx';
 *
 * await useOnnx({ threads: 1 });
 * const y = tf.matMul(tf.tensor2d([[1, 2], [3, 4]]), tf.tensor2d([[1], [1]])); // [2, 1]
 * console.log(Array.from(y.dataSync())); // → [ 3, 7 ]
 * ```
 */
export async function useOnnx(options: OnnxBackendOptions = {}): Promise<OnnxBackend> {
  const existing = tf.findBackend(backendName) as OnnxRuntimeBackend | null;
  existing?.configure(options);
  const backend = existing ?? create(options);
  const { session } = backend.options;
  backend.halfProducts = session.provider === 'webgpu' && (await probeHalfProducts(backend.runtime, session));
  await tf.setBackend(backendName);
  return tf.backend() as unknown as OnnxBackend;
}

function create(options: OnnxBackendOptions): OnnxRuntimeBackend {
  const backend = new OnnxRuntimeBackend(options);
  registerKernels();
  tf.registerBackend(backendName, () => backend, 4);
  return backend;
}

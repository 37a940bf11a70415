import * as tf from '@tensorflow/tfjs-core';
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import type { NodeTensorFlow } from '@tesserae/backend-node-gpu';

/** A backend `tensorflow` with the face of tfjs-node's and TensorFlow.js's own arithmetic behind it. */
class FakeTensorFlowBackend extends MathBackendCPU {
  readonly binding = { TF_Version: '2.9.1' };
  constructor(readonly isUsingGpuDevice: boolean) {
    super();
    (this as unknown as { firstUse: boolean }).firstUse = false;
  }
}

/** A module of the same shape as `@tensorflow/tfjs-node`: registers its backend when it is loaded, and is TensorFlow.js. */
export function loadFakeTensorFlow({ gpu = false, register = true } = {}): NodeTensorFlow {
  if (register) {
    if (tf.getKernelsForBackend('tensorflow').length === 0) tf.copyRegisteredKernels('cpu', 'tensorflow');
    tf.registerBackend('tensorflow', () => new FakeTensorFlowBackend(gpu), 3);
  }
  return { ...tf, version: { 'tfjs-core': tf.version_core, 'tfjs-node': '4.22.0' } };
}

/** Forgets the fake, so that the next test starts where a fresh process does. */
export async function forgetFakeTensorFlow(): Promise<void> {
  await tf.setBackend('cpu');
  if (tf.engine().registryFactory['tensorflow'] !== undefined) tf.removeBackend('tensorflow');
  for (const { kernelName } of tf.getKernelsForBackend('tensorflow')) tf.unregisterKernel(kernelName, 'tensorflow');
}

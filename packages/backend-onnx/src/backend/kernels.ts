import * as tf from '@tensorflow/tfjs-core';
import { nativeLowerings } from '../lowering/native';
import { lowerings } from '../lowering/table';
import type { KernelLowering, Lowering } from '../lowering/types';
import { backendError } from './errors';

type KernelRunner = tf.KernelBackend & {
  runKernel(
    kernel: KernelLowering,
    inputs: readonly (tf.TensorInfo | undefined)[],
    attributes: Readonly<Record<string, unknown>>,
  ): tf.TensorInfo[];
};

/** The name under which the backend is registered with TensorFlow.js. */
export const backendName = 'onnx';

/** Registers every kernel of the lowering table with TensorFlow.js, once. */
export function registerKernels(): void {
  for (const lowering of [...lowerings(), ...nativeLowerings()]) {
    if (!tf.getKernel(lowering.kernelName, backendName)) register(lowering);
  }
}

/** Whether the backend computes this kernel for these inputs: ours may need the native library, or know only some cases. */
export function supportsKernel(
  name: string,
  inputs: Readonly<Record<string, tf.TensorInfo | undefined>>,
  attributes: Readonly<Record<string, unknown>>,
  native: boolean,
): boolean {
  const own = nativeLowerings().find(({ kernelName }) => kernelName === name);
  return own ? native && own.supports(inputs, attributes) : tf.getKernel(name, backendName) !== undefined;
}

/**
 * Adds a kernel of one's own. Its inputs reach the lowering in the order in which the caller's object names them.
 * A second registration under the same name replaces the first.
 *
 * @throws E_LOWERING when the name or the lowering is none
 */
export function registerLowering(name: string, lowering: Lowering): void {
  if (typeof name !== 'string' || name === '' || typeof lowering !== 'function') {
    throw backendError(
      'E_LOWERING',
      `a lowering is a name and a function, found ${String(name)} and ${typeof lowering}`,
      'pass (name, (graph, inputs, attributes) => outputs)',
    );
  }
  if (tf.getKernel(name, backendName)) tf.unregisterKernel(name, backendName);
  register({ kernelName: name, inputs: 'list', lower: lowering });
}

function register(lowering: KernelLowering): void {
  tf.registerKernel({
    kernelName: lowering.kernelName,
    backendName,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const named = inputs as Record<string, tf.TensorInfo | undefined>;
      const list =
        lowering.inputs === 'list' ? Object.values(named) : lowering.inputs.map((name) => named[name] ?? undefined);
      const outputs = (backend as KernelRunner).runKernel(lowering, list, (attrs ?? {}) as Record<string, unknown>);
      return outputs.length === 1 && !lowering.list ? outputs[0] : outputs;
    },
  });
}

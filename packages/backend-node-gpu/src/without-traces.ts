import * as tf from '@tensorflow/tfjs-core';
import { createRequire } from 'node:module';
import path from 'node:path';
import { backendName } from './packages';

/**
 * Runs a load that may fail half way, and undoes the half: tfjs-node registers its kernels before it opens its binding,
 * and a second attempt (the other package, or the same after a repair) would warn about each of them, or find none.
 */
export function withoutTraces<T>(folder: string, load: () => T): T {
  const before = new Set(tf.getKernelsForBackend(backendName).map((kernel) => kernel.kernelName));
  try {
    return load();
  } catch (error) {
    for (const { kernelName } of tf.getKernelsForBackend(backendName)) {
      if (!before.has(kernelName)) tf.unregisterKernel(kernelName, backendName);
    }
    const { cache } = createRequire(path.join(folder, 'package.json'));
    for (const file of Object.keys(cache)) {
      if (file.startsWith(folder + path.sep)) delete cache[file];
    }
    throw error;
  }
}

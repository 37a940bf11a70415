import * as tf from '@tensorflow/tfjs-core';
import { selectBackend } from '@tesserae/core';
import { describe } from 'vitest';

/** The backends that ops and models are held to. */
export const backends = ['cpu', 'onnx'] as const;

/** Makes a backend the active one, with gradients registered. */
export async function use(name: 'cpu' | 'onnx'): Promise<void> {
  if (tf.getBackend() !== name) await selectBackend({ prefer: name, fallback: false, log: false });
}

/** Why a backend cannot be used here, if it cannot. */
async function missing(name: 'cpu' | 'onnx'): Promise<string | undefined> {
  try {
    await use(name);
    return undefined;
  } catch (error) {
    return (error as Error).message.split('\n')[0];
  }
}

/** A suite for each backend; one that is not available is skipped with the reason in its name. */
export async function describeOnBackends(title: string, suite: (backend: 'cpu' | 'onnx') => void): Promise<void> {
  for (const backend of backends) {
    const reason = await missing(backend);
    if (reason === undefined) describe(`${title} on ${backend}`, () => suite(backend));
    else describe.skip(`${title} on ${backend}: skipped, ${reason}`, () => suite(backend));
  }
}

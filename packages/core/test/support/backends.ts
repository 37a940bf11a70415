import * as tf from '@tensorflow/tfjs-core';
import { selectBackend } from '@tesserae/core';
import { describe } from 'vitest';

/** The backends that ops, randomness and models are held to; `tfjs-node` only where it has been built. */
const backends = ['cpu', 'wasm', 'onnx', 'tfjs-node'] as const;

export type TestBackend = (typeof backends)[number];

/** The name that a backend has inside TensorFlow.js. */
export function insideName(name: TestBackend): string {
  return name === 'tfjs-node' ? 'tensorflow' : name;
}

/** Makes a backend the active one, with gradients registered. */
export async function use(name: TestBackend): Promise<void> {
  if (tf.getBackend() !== insideName(name)) await selectBackend({ prefer: name, fallback: false, log: false });
}

/** Why a backend cannot be used here, if it cannot. */
async function missing(name: TestBackend): Promise<string | undefined> {
  try {
    await use(name);
    return undefined;
  } catch (error) {
    return (error as Error).message.split('\n')[0];
  }
}

/** A suite for each backend; one that is not available is skipped with the reason in its name. */
export async function describeOnBackends(title: string, suite: (backend: TestBackend) => void): Promise<void> {
  for (const backend of backends) {
    const reason = await missing(backend);
    if (reason === undefined) describe(`${title} on ${backend}`, () => suite(backend));
    else describe.skip(`${title} on ${backend}: skipped, ${reason}`, () => suite(backend));
  }
}

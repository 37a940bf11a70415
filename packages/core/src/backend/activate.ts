import * as tf from '@tensorflow/tfjs-core';
import type { BackendName, BackendRequest, BackendTaken } from './candidate';
import { backendError } from './errors';
import { completeWasmKernels } from './wasm-kernels';

/** TensorFlow, through the npm package for the device. */
export async function useTensorFlow(device: 'gpu' | 'cpu'): Promise<BackendTaken> {
  const { useNodeGpu } = await import('@tesserae/backend-node-gpu');
  const loaded = await useNodeGpu({ prefer: device, only: true, requireGpu: device === 'gpu' });
  const version = loaded.tensorflowVersion === undefined ? '' : ` ${loaded.tensorflowVersion}`;
  return { description: `TensorFlow${version} on the ${loaded.usingGpu ? 'GPU' : 'CPU'}` };
}

/** ONNX Runtime, where whole programs run at once. */
export async function useOnnxRuntime(request: BackendRequest): Promise<BackendTaken> {
  const { useOnnx } = await import('@tesserae/backend-onnx');
  const threads = request.threads ?? (await import('node:os')).availableParallelism();
  const provider = request.provider ?? 'cpu';
  const { runtime } = await useOnnx({ threads, provider });
  if (provider !== 'cpu') await compute(); // sessions are made when they are needed: learn now whether one can be
  return { description: `ONNX Runtime ${runtime.version} on ${provider === 'cpu' ? 'the CPU' : provider}`, threads };
}

/** Runs one op on the active backend and reads its result. */
async function compute(): Promise<void> {
  const sum = tf.tidy(() => tf.add(tf.scalar(1), tf.scalar(2)));
  try {
    await sum.data();
  } finally {
    sum.dispose();
  }
}

/** TensorFlow.js's own WebAssembly kernels. */
export async function useWasm(request: BackendRequest): Promise<BackendTaken> {
  const wasm = await importPeer('wasm', () => import('@tensorflow/tfjs-backend-wasm'));
  if (request.threads !== undefined) wasm.setThreadsCount(request.threads);
  await activate('wasm');
  completeWasmKernels();
  return { description: 'WebAssembly', ...(request.threads === undefined ? {} : { threads: request.threads }) };
}

/** TensorFlow.js's own JavaScript kernels: slow, and always there. */
export async function useJavaScript(): Promise<BackendTaken> {
  await import('@tensorflow/tfjs-backend-cpu');
  await activate('cpu');
  // TensorFlow.js advertises its node packages at the first tensor; the line that selectBackend prints has said more.
  (tf.backend() as { firstUse?: boolean }).firstUse = false;
  return { description: 'plain JavaScript, slow', threads: 1 };
}

/** Loads a package that users may leave out, and says how to get it where they have. */
async function importPeer<M>(name: BackendName, load: () => Promise<M>): Promise<M> {
  try {
    return await load();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const absent = code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND';
    throw backendError({
      code: 'E_BACKEND_UNAVAILABLE',
      message: absent
        ? `@tensorflow/tfjs-backend-${name} is not installed`
        : `@tensorflow/tfjs-backend-${name} does not load: ${message}`,
      fix: absent ? `run npm install @tensorflow/tfjs-backend-${name}` : 'reinstall it, or prefer another backend',
      cause,
      details: { summary: absent ? 'not installed' : 'does not load' },
    });
  }
}

async function activate(name: BackendName): Promise<void> {
  if (await tf.setBackend(name)) return;
  throw backendError({
    code: 'E_BACKEND_UNAVAILABLE',
    message: `TensorFlow.js could not start its backend '${name}'`,
    fix: `check that @tensorflow/tfjs-core and @tensorflow/tfjs-backend-${name} have the same version`,
    details: { summary: 'does not start' },
  });
}

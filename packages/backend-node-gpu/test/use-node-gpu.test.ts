import * as tf from '@tensorflow/tfjs-core';
import { useNodeGpu } from '@tesserae/backend-node-gpu';
import type { NodeGpuOptions, NodeTensorFlow } from '@tesserae/backend-node-gpu';
import { isTesseraeError } from '@tesserae/registry';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { forgetFakeTensorFlow, loadFakeTensorFlow } from './fake-tensorflow';
import { machine } from './probes';

const gpu = '@tensorflow/tfjs-node-gpu' as const;
const cpu = '@tensorflow/tfjs-node' as const;
const installed = { binding: true, tensorflow: true };

beforeEach(forgetFakeTensorFlow);
afterEach(forgetFakeTensorFlow);

const message = (options: NodeGpuOptions): Promise<string> =>
  useNodeGpu(options).then(
    () => 'it loaded',
    (error: unknown) => (isTesseraeError(error) ? error.message : `not a coded error: ${String(error)}`),
  );

describe('useNodeGpu with a module of the same shape', () => {
  it('makes it the active backend, and models run on it', async () => {
    const loaded = await useNodeGpu({ lib: () => Promise.resolve(loadFakeTensorFlow()) });
    expect(loaded).toMatchObject({
      name: 'tensorflow',
      usingGpu: false,
      tensorflowVersion: '2.9.1',
      version: '4.22.0',
    });
    expect(loaded.package).toBeUndefined();
    expect(tf.getBackend()).toBe('tensorflow');
    const product = tf.tidy(() => tf.matMul(tf.tensor2d([[1, 2]]), tf.tensor2d([[3], [4]])));
    expect([...product.dataSync()]).toEqual([11]);
    product.dispose();
  });

  it('takes the module itself', async () => {
    const lib = loadFakeTensorFlow({ gpu: true });
    expect(await useNodeGpu({ lib })).toMatchObject({ usingGpu: true, lib });
  });

  it('refuses a second copy of TensorFlow.js, and says which', async () => {
    const lib = loadFakeTensorFlow();
    const second: NodeTensorFlow = { engine: () => tf.engine(), version: { 'tfjs-core': '4.10.0' } };
    expect(await message({ lib: second })).toBe(
      `[backend-node-gpu] E_TWO_TFJS: the module given as lib brings its own copy of @tensorflow/tfjs-core (4.10.0) beside the one in use (${tf.version_core}); run npm install @tensorflow/tfjs-core@4.10.0 and npm dedupe`,
    );
    const same: NodeTensorFlow = { engine: () => tf.engine(), version: lib.version ?? {} };
    expect(await message({ lib: same })).toContain('; run npm dedupe');
  });

  it('refuses what is not TensorFlow, or registers nothing', async () => {
    expect(await message({ lib: {} as NodeTensorFlow })).toContain(
      'E_BACKEND_NOT_REGISTERED: the module given as lib is not TensorFlow.js',
    );
    expect(await message({ lib: loadFakeTensorFlow({ register: false }) })).toContain(
      "E_BACKEND_NOT_REGISTERED: the module given as lib was loaded, but no backend 'tensorflow' of it can be used",
    );
  });
});

describe('useNodeGpu with installed packages', () => {
  it('takes the GPU package first, then the other', async () => {
    const loads: string[] = [];
    const load = (folder: string): NodeTensorFlow => {
      loads.push(folder);
      return loadFakeTensorFlow({ gpu: folder.endsWith('gpu') });
    };
    const both = machine({ installed: [gpu, cpu], ...installed, load });
    expect(await useNodeGpu({ probes: both })).toMatchObject({ package: gpu, usingGpu: true });
    await forgetFakeTensorFlow();
    expect(await useNodeGpu({ probes: both, prefer: 'cpu' })).toMatchObject({ package: cpu, usingGpu: false });
    await forgetFakeTensorFlow();
    expect(await useNodeGpu({ probes: machine({ installed: [cpu], ...installed, load }) })).toMatchObject({
      package: cpu,
    });
    expect(loads).toEqual([`/modules/${gpu}`, `/modules/${cpu}`, `/modules/${cpu}`]);
  });

  it('says that nothing is installed', async () => {
    expect(await message({ probes: machine({}) })).toBe(
      '[backend-node-gpu] E_NOT_INSTALLED: neither @tensorflow/tfjs-node-gpu nor @tensorflow/tfjs-node is installed; run npm install @tensorflow/tfjs-node-gpu on a machine with an NVIDIA GPU, npm install @tensorflow/tfjs-node on another',
    );
    expect(await message({ probes: machine({}), prefer: 'cpu', only: true })).toBe(
      '[backend-node-gpu] E_NOT_INSTALLED: @tensorflow/tfjs-node is not installed; run npm install @tensorflow/tfjs-node',
    );
  });

  it('says which part of an installed package is missing, without loading it', async () => {
    expect(await message({ probes: machine({ installed: [gpu] }) })).toBe(
      '[backend-node-gpu] E_BINDING_MISSING: @tensorflow/tfjs-node-gpu has no native binding (/modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node); run npm rebuild @tensorflow/tfjs-node-gpu --ignore-scripts=false --build-addon-from-source',
    );
    expect(await message({ probes: machine({ installed: [cpu] }) })).toContain(
      'E_BINDING_MISSING: @tensorflow/tfjs-node has no native binding',
    );
    expect(await message({ probes: machine({ installed: [cpu], binding: true }) })).toBe(
      '[backend-node-gpu] E_TENSORFLOW_MISSING: @tensorflow/tfjs-node has no TensorFlow library in /modules/@tensorflow/tfjs-node/deps/lib; run npm rebuild @tensorflow/tfjs-node --ignore-scripts=false --build-addon-from-source (in a clone of Tesserae: npm run setup:tfjs-node)',
    );
  });

  const conda =
    'run conda install -c conda-forge cudatoolkit=11.2 cudnn=8.1 and add $CONDA_PREFIX/lib to LD_LIBRARY_PATH';
  it.each([
    [{}, 'E_NO_DRIVER: no NVIDIA driver (neither libcuda.so nor nvidia-smi); run sudo ubuntu-drivers install'],
    [
      { driver: true },
      `E_CUDA_MISSING: CUDA 11.x is not among the libraries that the loader finds (libcudart.so.11); ${conda}`,
    ],
    [
      { driver: true, libraries: ['libcudart.so.11.0'] },
      `E_CUDNN_MISSING: cuDNN 8 is not among the libraries that the loader finds (libcudnn.so.8); ${conda}`,
    ],
    [
      { driver: true, libraries: ['libcudart.so.11.0', 'libcudnn.so.8'] },
      'E_NO_GPU_DEVICE: TensorFlow 2.9.1 loaded but sees no GPU, although driver, CUDA and cuDNN are there; run nvidia-smi',
    ],
  ])('says why the GPU package found no GPU: %j', async (has, expected) => {
    const probes = machine({ installed: [gpu], ...installed, ...has, load: () => loadFakeTensorFlow() });
    expect(await message({ probes, requireGpu: true })).toContain(`[backend-node-gpu] ${expected}`);
    await forgetFakeTensorFlow();
    const tolerated = await useNodeGpu({ probes });
    expect(tolerated).toMatchObject({ package: gpu, usingGpu: false });
    expect(tolerated.withoutGpu).toContain(expected);
  });

  it.each([
    ['libcudart.so.11.0: cannot open shared object file: No such file or directory', 'E_CUDA_MISSING: CUDA 11.x'],
    ['libcudnn.so.8: cannot open shared object file: No such file or directory', 'E_CUDNN_MISSING: cuDNN 8'],
    ['libcuda.so.1: cannot open shared object file: No such file or directory', 'E_NO_DRIVER: no NVIDIA driver'],
    [
      'libtensorflow.so.2: cannot open shared object file: No such file or directory',
      'E_TENSORFLOW_MISSING: libtensorflow.so.2: cannot open',
    ],
    [
      'undefined symbol: TF_Version\nand a second line',
      'E_LOAD_FAILED: @tensorflow/tfjs-node-gpu in /modules/@tensorflow/tfjs-node-gpu does not load: undefined symbol: TF_Version; reinstall it',
    ],
  ])('explains what the loader said: %s', async (said, expected) => {
    const load = (): never => {
      throw new Error(said);
    };
    expect(await message({ probes: machine({ installed: [gpu], ...installed, load }), only: true })).toContain(
      `[backend-node-gpu] ${expected}`,
    );
  });

  it('undoes a load that failed half way, and goes on to the other package', async () => {
    const load = (folder: string): NodeTensorFlow => {
      const lib = loadFakeTensorFlow();
      if (folder.endsWith('gpu')) {
        tf.removeBackend('tensorflow');
        throw new Error('libcudart.so.11.0: cannot open shared object file');
      }
      return lib;
    };
    const probes = machine({ installed: [gpu, cpu], ...installed, load });
    expect(await message({ probes, only: true })).toContain('E_CUDA_MISSING');
    expect(tf.getKernelsForBackend('tensorflow')).toEqual([]);
    expect(await useNodeGpu({ probes })).toMatchObject({ package: cpu });
    expect(tf.getKernelsForBackend('tensorflow').length).toBeGreaterThan(100);
  });

  it.each([
    [{ prefer: 'tpu' }, "E_OPTION: the option 'prefer' of useNodeGpu must be one of 'gpu', 'cpu', found \"tpu\""],
    [
      { folders: 'x' },
      'E_OPTION: useNodeGpu has no option "folders"; did you mean \'folder\'? the options are lib, prefer, only, requireGpu, folder, probes',
    ],
    [{ only: 1 }, "E_OPTION: the option 'only' of useNodeGpu must be true or false, found 1"],
    [{ lib: 'tfjs' }, "E_OPTION: the option 'lib' of useNodeGpu must be the loaded module"],
  ])('refuses %j', async (options, expected) => {
    expect(await message(options as unknown as NodeGpuOptions)).toContain(expected);
  });
});

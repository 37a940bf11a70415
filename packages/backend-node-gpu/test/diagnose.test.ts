import { diagnoseNodeGpu, systemProbes } from '@tesserae/backend-node-gpu';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Machine } from './probes';
import { machine } from './probes';

const gpu = '@tensorflow/tfjs-node-gpu' as const;
const cpu = '@tensorflow/tfjs-node' as const;
const cuda11 = ['libcudart.so.11.0', 'libcudnn.so.8'];
const complete: Machine = { installed: [gpu, cpu], binding: true, tensorflow: true, driver: true, libraries: cuda11 };

describe('diagnoseNodeGpu', () => {
  it.each<[string, Machine, string]>([
    ['the package', {}, 'E_NOT_INSTALLED'],
    ['the binding', { ...complete, binding: false }, 'E_BINDING_MISSING'],
    ['the TensorFlow library', { ...complete, tensorflow: false }, 'E_TENSORFLOW_MISSING'],
    ['the driver', { ...complete, driver: false }, 'E_NO_DRIVER'],
    ['CUDA', { ...complete, libraries: ['libcudnn.so.8'] }, 'E_CUDA_MISSING'],
    ['the right CUDA', { ...complete, libraries: ['libcudart.so.12', 'libcudnn.so.8'] }, 'E_CUDA_MISSING'],
    ['cuDNN', { ...complete, libraries: ['libcudart.so.11.0'] }, 'E_CUDNN_MISSING'],
    ['the right cuDNN', { ...complete, libraries: ['libcudart.so.11.0', 'libcudnn.so.9'] }, 'E_CUDNN_MISSING'],
  ])('names what is missing: %s', (_what, has, code) => {
    expect(diagnoseNodeGpu(gpu, { probes: machine(has) }).missing?.code).toBe(code);
  });

  it('finds nothing missing where everything is there', () => {
    const { missing, parts } = diagnoseNodeGpu(gpu, { probes: machine(complete) });
    expect(missing).toBeUndefined();
    expect(parts.map((part) => part.name)).toEqual(['package', 'binding', 'TensorFlow', 'driver', 'CUDA', 'cuDNN']);
  });

  it('counts libcuda.so as a driver, and reads Windows names', () => {
    const libraries = [...cuda11, 'libcuda.so.1'];
    expect(
      diagnoseNodeGpu(gpu, { probes: machine({ ...complete, driver: false, libraries }) }).missing,
    ).toBeUndefined();
    const windows = {
      ...complete,
      platform: 'win32',
      driver: false,
      libraries: ['nvcuda.dll', 'cudart64_110.dll', 'cudnn64_8.dll'],
    };
    expect(diagnoseNodeGpu(gpu, { probes: machine(windows) }).missing).toBeUndefined();
  });

  it('asks for the CUDA and cuDNN that the TensorFlow library was built for', () => {
    const probes = machine({ ...complete, libraries: ['libcudart.so.12', 'libcudnn.so.9'] });
    expect(diagnoseNodeGpu(gpu, { probes, tensorflowVersion: '2.21.0' }).missing).toBeUndefined();
    expect(diagnoseNodeGpu(gpu, { probes, tensorflowVersion: '2.13.0' }).missing?.detail).toContain('CUDA 11.x');
    expect(diagnoseNodeGpu(gpu, { probes, tensorflowVersion: '2.16.1' }).missing?.detail).toContain('cuDNN 8');
  });

  it('asks the CPU package for no GPU', () => {
    const { parts, missing } = diagnoseNodeGpu(cpu, {
      probes: machine({ installed: [cpu], binding: true, tensorflow: true }),
    });
    expect(missing).toBeUndefined();
    expect(parts.map((part) => part.name)).toEqual(['package', 'binding', 'TensorFlow']);
  });
});

describe('systemProbes', () => {
  const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'tesserae-probes-')));
  const libraryPath = process.env['LD_LIBRARY_PATH'];
  afterEach(() => {
    if (libraryPath === undefined) delete process.env['LD_LIBRARY_PATH'];
    else process.env['LD_LIBRARY_PATH'] = libraryPath;
    rmSync(folder, { recursive: true, force: true });
  });

  it('finds a package in the folder it is told, and nothing beside it', () => {
    const home = path.join(folder, 'node_modules', '@tensorflow', 'tfjs-node');
    mkdirSync(home, { recursive: true });
    writeFileSync(path.join(home, 'package.json'), '{"name":"@tensorflow/tfjs-node","main":"index.js"}');
    writeFileSync(path.join(home, 'index.js'), 'exports.here = true;');
    expect(systemProbes(folder).packageFolder(cpu)).toBe(home);
    expect(systemProbes(home).packageFolder(cpu)).toBe(home);
    expect(systemProbes(home).packageFolder(gpu)).toBeUndefined();
    expect(systemProbes(folder).load(home)).toEqual({ here: true });
    expect(systemProbes(folder).list(home).sort()).toEqual(['index.js', 'package.json']);
    expect(systemProbes(folder).list(path.join(home, 'lib'))).toEqual([]);
  });

  it.skipIf(process.platform !== 'linux')('lists the libraries of the loader and of LD_LIBRARY_PATH (Linux)', () => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'libcudart.so.11.0'), '');
    writeFileSync(path.join(folder, 'notes.txt'), '');
    process.env['LD_LIBRARY_PATH'] = `${folder}:/nowhere`;
    const libraries = systemProbes().libraries();
    expect(libraries).toContain('libcudart.so.11.0');
    expect(libraries).not.toContain('notes.txt');
    expect(libraries.some((name) => name.startsWith('libc.so'))).toBe(true);
    expect(typeof systemProbes().hasDriver()).toBe('boolean');
  });
});

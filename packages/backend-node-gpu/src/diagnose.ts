import path from 'node:path';
import { cpuPackage, gpuPackage } from './packages';
import type { NodeGpuPackage } from './packages';
import { systemProbes } from './probes';
import type { NodeGpuProbes } from './probes';

/** One thing that TensorFlow in Node stands on. */
export interface NodeGpuPart {
  readonly name: 'package' | 'binding' | 'TensorFlow' | 'driver' | 'CUDA' | 'cuDNN';
  readonly found: boolean;
  /** What was looked for, and where. */
  readonly detail: string;
  /** The error that `useNodeGpu` throws when this is missing. */
  readonly code: `E_${string}`;
  /** The command that brings it. */
  readonly fix: string;
}

/** Everything that one package needs, in the order in which it is needed. */
export interface NodeGpuDiagnosis {
  readonly package: NodeGpuPackage;
  readonly folder?: string;
  readonly parts: readonly NodeGpuPart[];
  /** The first part that is missing. */
  readonly missing?: NodeGpuPart;
}

/**
 * Finds out which part of `@tensorflow/tfjs-node-gpu` (or `@tensorflow/tfjs-node`) is missing, without loading it.
 *
 * @param name the package; for `@tensorflow/tfjs-node` the driver, CUDA and cuDNN are not asked for
 * @param options `probes` answers instead of this machine; `tensorflowVersion` is the version of the TensorFlow library
 *   where it is known, which decides the versions of CUDA and cuDNN that are asked for (2.9, which the npm package
 *   downloads, wants CUDA 11 and cuDNN 8)
 * @returns every part with what was found, and the first that is missing
 *
 * @example
 * ```ts
 * import { diagnoseNodeGpu, systemProbes } from '@tesserae/backend-node-gpu';
 *
 * const probes = { ...systemProbes(), packageFolder: () => undefined };
 * const { missing } = diagnoseNodeGpu('@tensorflow/tfjs-node', { probes });
 * console.log(missing?.code, missing?.fix); // → E_NOT_INSTALLED run npm install @tensorflow/tfjs-node
 * ```
 */
export function diagnoseNodeGpu(
  name: NodeGpuPackage = gpuPackage,
  options: { probes?: NodeGpuProbes; tensorflowVersion?: string } = {},
): NodeGpuDiagnosis {
  const probes = options.probes ?? systemProbes();
  const folder = probes.packageFolder(name);
  const parts: NodeGpuPart[] = [packagePart(name, folder)];
  if (folder !== undefined) parts.push(bindingPart(name, folder, probes), tensorflowPart(name, folder, probes));
  if (name === gpuPackage) parts.push(...gpuParts(probes, options.tensorflowVersion));
  const missing = parts.find((part) => !part.found);
  return {
    package: name,
    ...(folder === undefined ? {} : { folder }),
    parts,
    ...(missing === undefined ? {} : { missing }),
  };
}

function packagePart(name: NodeGpuPackage, folder: string | undefined): NodeGpuPart {
  const found = folder !== undefined;
  const detail = found ? `${name} in ${folder}` : `${name} is not installed`;
  return { name: 'package', found, detail, code: 'E_NOT_INSTALLED', fix: `run npm install ${name}` };
}

function bindingPart(name: NodeGpuPackage, folder: string, probes: NodeGpuProbes): NodeGpuPart {
  const library = path.join(folder, 'lib');
  const built = probes
    .list(library)
    .filter((version) => probes.list(path.join(library, version)).includes('tfjs_binding.node'));
  const found = built.length > 0;
  const wanted = path.join(library, 'napi-v8', 'tfjs_binding.node');
  const detail = found
    ? path.join(library, built[0] as string, 'tfjs_binding.node')
    : `${name} has no native binding (${wanted})`;
  return { name: 'binding', found, detail, code: 'E_BINDING_MISSING', fix: rebuild(name) };
}

function tensorflowPart(name: NodeGpuPackage, folder: string, probes: NodeGpuProbes): NodeGpuPart {
  const library = path.join(folder, 'deps', 'lib');
  const pattern = probes.platform === 'win32' ? /^tensorflow\.dll$/i : /^libtensorflow(_cc)?(\.\d+)*\.(so|dylib)/;
  const file = probes.list(library).find((entry) => pattern.test(entry));
  const found = file !== undefined;
  const detail = found ? path.join(library, file) : `${name} has no TensorFlow library in ${library}`;
  return { name: 'TensorFlow', found, detail, code: 'E_TENSORFLOW_MISSING', fix: rebuild(name) };
}

/** The package's install script brings both; many set-ups (ours too) ignore install scripts unless told otherwise. */
function rebuild(name: NodeGpuPackage): string {
  const own = name === cpuPackage ? ' (in a clone of Tesserae: npm run setup:tfjs-node)' : '';
  return `run npm rebuild ${name} --ignore-scripts=false --build-addon-from-source${own}`;
}

function gpuParts(probes: NodeGpuProbes, tensorflowVersion: string | undefined): NodeGpuPart[] {
  const { cuda, cudnn, install } = gpuVersions(tensorflowVersion);
  const libraries = probes.libraries();
  const library = (linux: RegExp, windows: RegExp): string | undefined =>
    libraries.find((file) => (probes.platform === 'win32' ? windows : linux).test(file));
  const runtime = library(
    new RegExp(`^libcudart\\.so\\.${cuda}(\\.|$)`),
    new RegExp(`^cudart64_${cuda}\\d*\\.dll$`, 'i'),
  );
  const network = library(new RegExp(`^libcudnn\\.so\\.${cudnn}(\\.|$)`), new RegExp(`^cudnn64_${cudnn}\\.dll$`, 'i'));
  const driver = library(/^libcuda\.so(\.|$)/, /^nvcuda\.dll$/i) !== undefined || probes.hasDriver();
  return [
    {
      name: 'driver',
      found: driver,
      detail: driver ? 'the NVIDIA driver answers' : 'no NVIDIA driver (neither libcuda.so nor nvidia-smi)',
      code: 'E_NO_DRIVER',
      fix: 'run sudo ubuntu-drivers install (Debian: sudo apt install nvidia-driver), restart, and see that nvidia-smi lists a GPU',
    },
    {
      name: 'CUDA',
      found: runtime !== undefined,
      detail: runtime ?? `CUDA ${cuda}.x is not among the libraries that the loader finds (libcudart.so.${cuda})`,
      code: 'E_CUDA_MISSING',
      fix: install,
    },
    {
      name: 'cuDNN',
      found: network !== undefined,
      detail: network ?? `cuDNN ${cudnn} is not among the libraries that the loader finds (libcudnn.so.${cudnn})`,
      code: 'E_CUDNN_MISSING',
      fix: install,
    },
  ];
}

/** What TensorFlow's own table of tested builds pairs with each version: https://www.tensorflow.org/install/source#gpu. */
function gpuVersions(tensorflowVersion = '2.9.1'): { cuda: number; cudnn: number; install: string } {
  const minor = Number(/^2\.(\d+)/.exec(tensorflowVersion)?.[1] ?? 9);
  const then = 'and add $CONDA_PREFIX/lib to LD_LIBRARY_PATH';
  if (minor < 12)
    return { cuda: 11, cudnn: 8, install: `run conda install -c conda-forge cudatoolkit=11.2 cudnn=8.1 ${then}` };
  if (minor < 15)
    return { cuda: 11, cudnn: 8, install: `run conda install -c conda-forge cudatoolkit=11.8 cudnn=8.8 ${then}` };
  const cudnn = minor < 18 ? 8 : 9;
  return {
    cuda: 12,
    cudnn,
    install: `run conda install -c conda-forge cuda-version=12.5 cuda-libraries cudnn=${cudnn} ${then}`,
  };
}

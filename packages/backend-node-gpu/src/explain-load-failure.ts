import { diagnoseNodeGpu } from './diagnose';
import type { NodeGpuPart } from './diagnose';
import type { NodeGpuPackage } from './packages';
import { gpuPackage } from './packages';
import type { NodeGpuProbes } from './probes';

/** Which part a message of the system's loader complains about: `libcudart.so.11.0: cannot open shared object file`. */
const complaints: readonly [RegExp, NodeGpuPart['name']][] = [
  [/libcudnn|cudnn64/i, 'cuDNN'],
  [/libcuda\.so|nvcuda/i, 'driver'],
  [/lib(cudart|cublas|cufft|curand|cusolver|cusparse|nccl|nvrtc)|cudart64|cublas64/i, 'CUDA'],
  [/libtensorflow|tensorflow\.dll/i, 'TensorFlow'],
];

/** Finds the missing part behind an error of loading the native binding, if it is one of the known parts. */
export function explainLoadFailure(
  name: NodeGpuPackage,
  cause: unknown,
  probes: NodeGpuProbes,
): NodeGpuPart | undefined {
  const message = cause instanceof Error ? cause.message : String(cause);
  const cannotOpen = /cannot open shared object|not found|could not be found|image not found|No such file/i.test(
    message,
  );
  const accused = cannotOpen ? complaints.find(([pattern]) => pattern.test(message))?.[1] : undefined;
  if (accused === undefined) return undefined;
  // The driver, CUDA and cuDNN are listed for the GPU package only; the message has already said what is missing.
  const parts = [...diagnoseNodeGpu(name, { probes }).parts, ...diagnoseNodeGpu(gpuPackage, { probes }).parts];
  const part = parts.find((candidate) => candidate.name === accused);
  return part === undefined
    ? undefined
    : { ...part, found: false, detail: part.found ? (message.trim().split('\n', 1)[0] as string) : part.detail };
}

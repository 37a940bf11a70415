export { diagnoseNodeGpu } from './diagnose';
export type { NodeGpuDiagnosis, NodeGpuPart } from './diagnose';
export { systemProbes } from './probes';
export type { NodeGpuProbes } from './probes';
export { restoreUtilFunctions } from './restore-util-functions';
export { useNodeGpu } from './use-node-gpu';
export type { NodeGpuBackend, NodeGpuOptions, NodeTensorFlow } from './use-node-gpu';
export type { NodeGpuPackage } from './packages';

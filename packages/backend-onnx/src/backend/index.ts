export type { OnnxBackend, OnnxMemory } from './onnxBackend';
export type { OnnxBackendOptions } from './options';
export { useOnnx } from './useOnnx';

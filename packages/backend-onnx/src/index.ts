export * from './runtime';
export { useOnnx } from './backend';
export type { OnnxBackend, OnnxBackendOptions, OnnxMemory } from './backend';
export type { Attribute, GraphNode, GraphTensor, LoweringGraph, OpOptions, OutputDeclaration } from './graph';
export type { CheckedInput, KernelLowering, Lowering } from './lowering';
export type { FlatCompileOptions, FlatCompiler, FlatProgram } from './trace';

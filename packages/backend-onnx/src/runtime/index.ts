export { loadRuntime } from './loadRuntime';
export { locateNativeKernels } from './nativeKernels';
export type {
  Binding,
  ElementType,
  LoadRuntimeOptions,
  Port,
  Provider,
  Runtime,
  Session,
  SessionOptions,
  TypedArray,
  Value,
} from './types';

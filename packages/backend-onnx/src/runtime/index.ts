export { loadRuntime } from './loadRuntime';
export { locateNativeKernels } from './nativeKernels';
export type {
  Binding,
  DeviceValue,
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

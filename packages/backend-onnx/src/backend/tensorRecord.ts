import type { DataType } from '@tensorflow/tfjs-core';
import type { GraphTensor } from '../graph/types';
import type { Value } from '../runtime/types';

/** The arrays that tensors live in: Float32Array float32, Int32Array int32, Uint8Array bool. */
export type TensorValues = Float32Array | Int32Array | Uint8Array;

/** What a tensor stands for while a function is traced. */
export interface TensorSymbol {
  /** The trace that it belongs to; a symbol of another one is stale. */
  readonly trace: object;
  readonly tensor: GraphTensor;
  /** The kernel that gave it, for error messages. */
  readonly kernel: string;
}

/** The data behind one or more tensors. */
export interface TensorRecord {
  readonly shape: readonly number[];
  readonly dtype: DataType;
  /** Undefined for symbols and strings. */
  values?: TensorValues | undefined;
  strings?: Uint8Array[];
  symbol?: TensorSymbol;
  references: number;
  /** The memory is ours alone: nobody has seen the array, so it may be used again or written to. */
  owned: boolean;
  /** Runs on another thread that use the memory right now. */
  busy: number;
  /** What shares memory with `values` in the runtime: one for each shape in which it was needed. */
  bound: Value[];
}

/** A new array for that many elements. */
export function allocateValues(dtype: DataType, buffer: ArrayBuffer, length: number): TensorValues {
  if (dtype === 'float32') return new Float32Array(buffer, 0, length);
  if (dtype === 'int32') return new Int32Array(buffer, 0, length);
  return new Uint8Array(buffer, 0, length);
}

/** Bytes of one element. */
export function bytesPerElement(dtype: DataType): number {
  return dtype === 'bool' ? 1 : 4;
}

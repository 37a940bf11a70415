import type { DataType, KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelLowering } from '../lowering/types';
import type { Runtime, Value } from '../runtime/types';
import type { ResolvedOptions } from './options';
import type { TensorRecord, TensorSymbol, TensorValues } from './tensorRecord';

/** A function being recorded. */
export interface Recording {
  readonly name: string;
  record(
    kernel: KernelLowering,
    inputs: readonly (TensorInfo | undefined)[],
    attributes: Readonly<Record<string, unknown>>,
  ): TensorInfo[];
}

/** What executors and programs need of the backend. */
export interface TensorHost extends KernelBackend {
  readonly runtime: Runtime;
  readonly options: ResolvedOptions;
  /** Whether the device computes products of float16. */
  readonly halfProducts: boolean;
  /** Compiled programs that are not disposed. */
  readonly programs: Set<{ dispose(): void }>;
  /** The function that is being recorded. */
  trace: Recording | undefined;
  /** The data behind a tensor. */
  record(dataId: object): TensorRecord;
  /** Memory for a tensor; what is in it is undefined. */
  allocate(shape: readonly number[], dtype: DataType): TensorValues;
  /** Makes a tensor of data that the backend made. */
  adopt(values: TensorValues, shape: readonly number[], dtype: DataType, value?: Value): TensorInfo;
  /** Makes a tensor without data. */
  adoptSymbol(symbol: TensorSymbol): TensorInfo;
  /** The value of the runtime that shares memory with a record. */
  valueFor(record: TensorRecord, shape: readonly number[]): Value;
  /** The error of code that wants the value of a symbol. */
  valueError(record: TensorRecord): Error;
  incRef(dataId: object): void;
  disposeData(dataId: object, force?: boolean): boolean;
}

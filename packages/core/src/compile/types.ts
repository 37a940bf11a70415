import type * as tf from '@tensorflow/tfjs-core';
import type { Precision } from '../precision/precision';

/** What `compile` is told. */
export interface CompileOptions {
  /** A name for messages, profiles and errors; the function's own name when absent. */
  readonly name?: string | undefined;
  /**
   * Indexes of arguments whose tensors the call consumes: their memory may be reused for the results, and they are
   * disposed when the call returns.
   */
  readonly donate?: readonly number[] | undefined;
  /** How many programs (structures, shapes, dtypes) to keep; the least recently used goes first. 32 when absent. */
  readonly maxPrograms?: number | undefined;
  /** What numbers products have in the program, see `withPrecision`; that of the place of the call when absent. */
  readonly precision?: Precision | undefined;
}

/** Arguments as a caller may give them: a number wherever the function takes a scalar tensor. */
export type CompiledArguments<A extends unknown[]> = {
  [I in keyof A]: tf.Scalar extends A[I] ? A[I] | number : A[I];
};

/** A function that runs as one program. */
export interface Compiled<A extends unknown[], R> {
  /** Runs the program; compiles it first when this structure, these shapes and dtypes were not seen before. */
  (...args: CompiledArguments<A>): R;
  /** The same off the main thread where the backend can; `signal` cancels the run. */
  runAsync(...args: CompiledArguments<A>): Promise<R>;
  /** `runAsync` with a signal that cancels the run. */
  runAsyncWith(options: { readonly signal?: AbortSignal | undefined }, ...args: CompiledArguments<A>): Promise<R>;
  /** Compiles for these arguments without running, and says what came out of it. */
  prepare(...args: CompiledArguments<A>): ProgramReport;
  /** How many programs are held. */
  readonly programs: number;
  /** Frees all programs; a later call compiles anew. */
  dispose(): void;
}

/** What is known of one compiled program. */
export interface ProgramReport {
  readonly backend: string;
  /** False where the backend cannot trace and the function runs eagerly. */
  readonly traced: boolean;
  readonly nodes: number;
  readonly modelBytes: number;
  readonly traceMilliseconds: number;
  readonly sessionMilliseconds: number;
}

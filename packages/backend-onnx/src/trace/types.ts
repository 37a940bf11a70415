import type { DataType, Tensor } from '@tensorflow/tfjs-core';

/** What a function of tensors is compiled for. */
export interface FlatCompileOptions {
  /** For error messages and traces. */
  readonly name: string;
  /** Shape and dtype of each input. */
  readonly inputs: readonly { readonly shape: readonly number[]; readonly dtype: DataType }[];
  /** Which inputs a call consumes: their memory may become that of an output. */
  readonly donated: readonly boolean[];
}

/** A function of tensors as one program. */
export interface FlatProgram {
  /** Runs the program. Donated inputs are disposed; the outputs belong to the caller. */
  run(inputs: readonly Tensor[]): Tensor[];
  /** Runs the program on another thread. The inputs must not be disposed of until it is done. */
  runAsync(inputs: readonly Tensor[], options?: { signal?: AbortSignal }): Promise<Tensor[]>;
  /** Frees the program. */
  dispose(): void;
  /** Writes the ONNX model to a file. */
  saveModel(path: string): void;
  /** Ends the recording that the backend's option `profile` began. @returns the path of the Chrome trace */
  endProfiling(): string;
  /** Nodes of the graph, before ONNX Runtime rewrites it. */
  readonly nodes: number;
  /** Size of the model. */
  readonly modelBytes: number;
  /** Bytes of captured tensors that the program reads where they are. */
  readonly capturedBytes: number;
  /** Outputs that are written over a donated input. */
  readonly inPlaceOutputs: number;
  readonly traceMilliseconds: number;
  readonly sessionMilliseconds: number;
}

/** Compiles functions of tensors. */
export type FlatCompiler = (fn: (inputs: Tensor[]) => Tensor[], options: FlatCompileOptions) => FlatProgram;

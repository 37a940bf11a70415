import type { TensorInfo } from '@tensorflow/tfjs-core';
import { elementType, staleError } from '../backend/errors';
import type { TensorHost } from '../backend/host';
import type { TensorRecord } from '../backend/tensorRecord';
import { GraphBuilder, isUniform } from '../graph/graphBuilder';
import { sameShape } from '../graph/shape';
import type { GraphTensor } from '../graph/types';
import type { KernelLowering } from '../lowering/types';

/** Captured tensors of more bytes than this stay where they are. */
const embeddedBytes = 64 * 1024;

/** The recording of one function: kernels that are called become nodes. */
export class Trace {
  readonly graph: GraphBuilder;
  readonly #captured = new Map<TensorRecord, GraphTensor[]>();

  constructor(
    readonly name: string,
    readonly backend: TensorHost,
  ) {
    this.graph = new GraphBuilder(
      backend.options.nativeKernels !== undefined,
      backend.options.session.provider,
      backend.halfProducts,
    );
  }

  /** A tensor that stands for an input of the program. */
  input(shape: readonly number[], dtype: TensorInfo['dtype']): TensorInfo {
    const tensor = this.graph.input(shape, elementType('input', dtype));
    return this.backend.adoptSymbol({ trace: this, tensor, kernel: `input ${this.graph.inputs.length - 1}` });
  }

  /** Records a kernel. */
  record(
    kernel: KernelLowering,
    inputs: readonly (TensorInfo | undefined)[],
    attributes: Readonly<Record<string, unknown>>,
  ): TensorInfo[] {
    const tensors = inputs.map((input) => input && this.resolve(input, kernel.kernelName));
    const outputs = kernel.lower(this.graph, tensors as GraphTensor[], attributes);
    return outputs.map((tensor) => this.backend.adoptSymbol({ trace: this, tensor, kernel: kernel.kernelName }));
  }

  /** What a tensor is in the graph: a symbol of this trace, or a constant if it has data. */
  resolve(info: TensorInfo, kernelName: string): GraphTensor {
    const record = this.backend.record(info.dataId);
    const symbol = record.symbol;
    if (symbol?.trace === this) return symbol.tensor;
    if (symbol)
      throw staleError(
        `a tensor that '${kernelName}' reads ([${record.shape.join()}] ${record.dtype}, a result of '${symbol.kernel}')`,
      );
    const known = this.#captured.get(record)?.find(({ shape }) => sameShape(shape, info.shape));
    if (known) return known;
    const dtype = elementType(kernelName, info.dtype);
    const captured = this.#capture(record, info.shape, dtype);
    this.#captured.set(record, [...(this.#captured.get(record) ?? []), captured]);
    return captured;
  }

  #capture(record: TensorRecord, shape: readonly number[], dtype: GraphTensor['dtype']): GraphTensor {
    const values = record.values!;
    if (values.length > 1 && isUniform(values)) return this.graph.fill(values[0], shape, dtype);
    if (values.byteLength <= embeddedBytes) return this.graph.constant(values, shape, dtype);
    record.owned = false; // the program reads this memory from now on
    return this.graph.capture(values, shape, dtype);
  }
}

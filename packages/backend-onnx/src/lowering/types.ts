import type { GraphTensor, LoweringGraph } from '../graph/types';

/**
 * How one kernel becomes ONNX nodes. Inputs that the caller left out are undefined in `inputs`.
 * A lowering looks at shapes, element types and attributes, never at data.
 */
export type Lowering = (
  graph: LoweringGraph,
  inputs: readonly GraphTensor[],
  attributes: Readonly<Record<string, unknown>>,
) => GraphTensor[];

/** One row of the lowering table. */
export interface KernelLowering {
  readonly kernelName: string;
  /** The names of the kernel's inputs in the order in which `lower` takes them; `list` for kernels of any number of inputs. */
  readonly inputs: readonly string[] | 'list';
  readonly lower: Lowering;
  /** Set where the kernel gives a list even if it has one entry. */
  readonly list?: boolean;
  /**
   * Looks at values before an eager call, where a traced program can only fail inside ONNX Runtime.
   *
   * @throws E_INDEX
   */
  readonly check?: (inputs: readonly CheckedInput[], attributes: Readonly<Record<string, unknown>>) => void;
}

/** An input with its values. */
export interface CheckedInput {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

/** Writes one row of the table whose kernel has one output. */
export function kernel(
  kernelName: string,
  inputs: readonly string[] | 'list',
  lower: (
    graph: LoweringGraph,
    inputs: readonly GraphTensor[],
    attributes: Readonly<Record<string, unknown>>,
  ) => GraphTensor,
): KernelLowering {
  return { kernelName, inputs, lower: (graph, tensors, attributes) => [lower(graph, tensors, attributes)] };
}

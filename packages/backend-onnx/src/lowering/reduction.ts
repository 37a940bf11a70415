import { normalizeAxes, sizeOf } from '../graph/shape';
import type { GraphTensor, LoweringGraph } from '../graph/types';
import { cast, reshape } from './elementwise';
import { kernel } from './types';
import type { KernelLowering } from './types';

/** One reduction; `empty` is what it gives over no elements. */
export function reduce(
  graph: LoweringGraph,
  opType: string,
  x: GraphTensor,
  axes: readonly number[],
  keepDims: boolean,
  empty: number,
): GraphTensor {
  const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const shape = keepDims ? kept : x.shape.filter((_, axis) => !axes.includes(axis));
  if (sizeOf(x.shape) === 0) return graph.fill(empty, shape, x.dtype);
  if (axes.every((axis) => x.shape[axis] === 1)) return reshape(graph, x, shape); // the sum, mean or maximum of one element
  return graph.op(opType, [x, graph.int64(axes)], { keepdims: keepDims ? 1 : 0 }, { shape });
}

interface ReductionOptions {
  /** What the reduction gives over no elements. */
  empty: number;
  /** The element type to compute in, from that of the input. */
  compute: (x: GraphTensor) => 'float32' | 'int32';
  /** The element type of the result, if it is not the one computed in. */
  result?: (x: GraphTensor) => GraphTensor['dtype'];
}

const number = (x: GraphTensor): 'float32' | 'int32' => (x.dtype === 'float32' ? 'float32' : 'int32');

function reduction(name: string, opType: string, { empty, compute, result }: ReductionOptions): KernelLowering {
  return kernel(name, ['x'], (graph, [x], { axis, reductionIndices, keepDims }) => {
    const axes = normalizeAxes((reductionIndices ?? axis) as number | number[] | undefined, x.shape.length);
    const reduced = reduce(graph, opType, cast(graph, x, compute(x)), axes, Boolean(keepDims), empty);
    return result ? cast(graph, reduced, result(x)) : reduced;
  });
}

const same = (x: GraphTensor): GraphTensor['dtype'] => x.dtype;

export const reductionLowerings: readonly KernelLowering[] = [
  reduction('Sum', 'ReduceSum', { empty: 0, compute: number }),
  reduction('Mean', 'ReduceMean', { empty: NaN, compute: () => 'float32' }),
  reduction('Prod', 'ReduceProd', { empty: 1, compute: number }),
  reduction('Max', 'ReduceMax', { empty: -Infinity, compute: number, result: same }),
  reduction('Min', 'ReduceMin', { empty: Infinity, compute: number, result: same }),
  reduction('All', 'ReduceMin', { empty: 1, compute: () => 'int32', result: () => 'bool' }),
  reduction('Any', 'ReduceMax', { empty: 0, compute: () => 'int32', result: () => 'bool' }),
];

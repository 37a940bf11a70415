import { util } from '@tensorflow/tfjs-core';
import { sizeOf } from '../graph/shape';
import type { GraphTensor, LoweringGraph } from '../graph/types';
import { cast, elementwise, reshape, where } from './elementwise';
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
  if (sizeOf(x.shape) === 0) return graph.fill(x.dtype === 'float32' ? empty : empty || 0, shape, x.dtype);
  if (axes.every((axis) => x.shape[axis] === 1)) return reshape(graph, x, shape); // the sum, mean or maximum of one element
  return graph.op(opType, [x, graph.int64(axes)], { keepdims: keepDims ? 1 : 0 }, { shape });
}

interface ReductionOptions {
  /** The element type to compute in, from that of the input. */
  compute: (x: GraphTensor) => 'float32' | 'int32';
  /** The element type of the result, if it is not the one computed in. */
  result?: (x: GraphTensor) => GraphTensor['dtype'];
}

/** An extremum that is NaN when any element is: the sum of the absolute values is NaN exactly then. */
function extremum(opType: string): Reduce {
  return (graph, x, axes, keepDims) => {
    const found = reduce(graph, opType, x, axes, keepDims, NaN);
    if (
      x.dtype !== 'float32' ||
      found.uniform !== undefined ||
      !['ReduceMax', 'ReduceMin'].includes(graph.producer(found)?.opType ?? '')
    )
      return found;
    const nan = elementwise(graph, 'IsNaN', [reduce(graph, 'ReduceL1', x, axes, keepDims, 0)], { dtype: 'bool' });
    return where(graph, nan, graph.scalar(NaN, 'float32'), found);
  };
}

type Reduce = (graph: LoweringGraph, x: GraphTensor, axes: readonly number[], keepDims: boolean) => GraphTensor;

const plain =
  (opType: string, empty: number): Reduce =>
  (graph, x, axes, keepDims) =>
    reduce(graph, opType, x, axes, keepDims, empty);

const number = (x: GraphTensor): 'float32' | 'int32' => (x.dtype === 'float32' ? 'float32' : 'int32');

function reduction(name: string, run: Reduce, { compute, result }: ReductionOptions): KernelLowering {
  return kernel(name, ['x'], (graph, [x], { axis, reductionIndices, keepDims }) => {
    const given = (reductionIndices ?? axis) as number | number[];
    const axes = [...new Set(util.parseAxisParam(given, x.shape as number[]))].sort((a, b) => a - b);
    const reduced = run(graph, cast(graph, x, compute(x)), axes, Boolean(keepDims));
    return result ? cast(graph, reduced, result(x)) : reduced;
  });
}

const same = (x: GraphTensor): GraphTensor['dtype'] => x.dtype;

export const reductionLowerings: readonly KernelLowering[] = [
  reduction('Sum', plain('ReduceSum', 0), { compute: number }),
  reduction('Mean', plain('ReduceMean', 0), { compute: () => 'float32' }),
  reduction('Prod', plain('ReduceProd', 1), { compute: number }),
  reduction('Max', extremum('ReduceMax'), { compute: number, result: same }),
  reduction('Min', extremum('ReduceMin'), { compute: number, result: same }),
  reduction('All', plain('ReduceMin', 1), { compute: () => 'int32', result: () => 'bool' }),
  reduction('Any', plain('ReduceMax', 0), { compute: () => 'int32', result: () => 'bool' }),
];

import { sizeOf } from '../graph/shape';
import type { GraphTensor, LoweringGraph } from '../graph/types';
import { multiply } from './arithmetic';
import { cast } from './elementwise';
import { concat } from './joining';
import { slice } from './shaping';
import { kernel } from './types';
import type { KernelLowering } from './types';

function axisOf({ axis }: Readonly<Record<string, unknown>>, x: GraphTensor): number {
  const given = Array.isArray(axis) ? (axis as number[])[0] : ((axis as number | undefined) ?? 0);
  return given < 0 ? given + x.shape.length : given;
}

function cumsum(
  graph: LoweringGraph,
  [x]: readonly GraphTensor[],
  attributes: Readonly<Record<string, unknown>>,
): GraphTensor {
  const source = cast(graph, x, x.dtype === 'bool' ? 'int32' : x.dtype);
  if (sizeOf(x.shape) === 0 || x.shape.length === 0) return source;
  const axis = graph.scalar(axisOf(attributes, x), 'int32');
  return graph.op('CumSum', [source, axis], {
    exclusive: Number(Boolean(attributes.exclusive)),
    reverse: Number(Boolean(attributes.reverse)),
  });
}

/** Running products by doubling: after step s each element is the product of the 2^s elements that end with it. */
function cumprod(
  graph: LoweringGraph,
  [x]: readonly GraphTensor[],
  attributes: Readonly<Record<string, unknown>>,
): GraphTensor {
  const axis = axisOf(attributes, x);
  const length = x.shape[axis];
  const reverse = Boolean(attributes.reverse);
  let result = cast(graph, x, x.dtype === 'bool' ? 'int32' : x.dtype);
  if (attributes.exclusive) result = shifted(graph, result, axis, 1, reverse);
  for (let distance = 1; distance < length; distance *= 2) {
    result = multiply(graph, result, shifted(graph, result, axis, distance, reverse));
  }
  return result;
}

/** The tensor moved along an axis; ones come in. */
function shifted(graph: LoweringGraph, x: GraphTensor, axis: number, distance: number, reverse: boolean): GraphTensor {
  const length = x.shape[axis];
  const shape = (size: number): number[] => x.shape.map((whole, i) => (i === axis ? size : whole));
  const ones = graph.fill(1, shape(distance), x.dtype);
  const begin = x.shape.map((_, i) => (i === axis && reverse ? distance : 0));
  const end = x.shape.map((whole, i) => (i === axis && !reverse ? length - distance : whole));
  const rest = slice(
    graph,
    x,
    begin,
    end,
    x.shape.map(() => 1),
    shape(length - distance),
  );
  return concat(graph, reverse ? [rest, ones] : [ones, rest], axis);
}

export const scanLowerings: readonly KernelLowering[] = [
  kernel('Cumsum', ['x'], cumsum),
  kernel('Cumprod', ['x'], cumprod),
];

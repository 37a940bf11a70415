import { slice_util, util } from '@tensorflow/tfjs-core';
import { sizeOf } from '../graph/shape';
import type { GraphTensor, LoweringGraph } from '../graph/types';
import { expand, reshape } from './elementwise';
import { kernel } from './types';
import type { KernelLowering } from './types';

/** The dimensions in another order. */
export function transpose(graph: LoweringGraph, x: GraphTensor, perm: readonly number[]): GraphTensor {
  const shape = perm.map((axis) => x.shape[axis]);
  if (x.uniform !== undefined) return graph.fill(x.uniform, shape, x.dtype);
  const before = graph.producer(x);
  if (before?.opType === 'Transpose') {
    // Two in a row are one, and often none: attention turns its heads to the front and back again.
    const first = before.attributes.perm as readonly number[];
    return transpose(
      graph,
      graph.tensor(before.inputs[0]),
      perm.map((axis) => first[axis]),
    );
  }
  const moving = perm.filter((axis) => x.shape[axis] !== 1);
  if (moving.every((axis, i) => i === 0 || moving[i - 1] < axis)) return reshape(graph, x, shape); // only dimensions of size 1 move
  if (sizeOf(shape) === 0) return graph.fill(0, shape, x.dtype);
  return graph.op('Transpose', [x], { perm }, { shape });
}

/** A box cut out of a tensor; strides may be negative, ends are exclusive and counted from the front (-1: before the first). */
export function slice(
  graph: LoweringGraph,
  x: GraphTensor,
  begin: readonly number[],
  end: readonly number[],
  strides: readonly number[],
  shape: readonly number[],
): GraphTensor {
  if (x.uniform !== undefined || sizeOf(shape) === 0) return graph.fill(x.uniform ?? 0, shape, x.dtype);
  const axes = x.shape.map((_, axis) => axis).filter((axis) => strides[axis] !== 1 || shape[axis] !== x.shape[axis]);
  if (axes.length === 0) return x;
  const starts = axes.map((axis) => begin[axis]);
  const ends = axes.map((axis) => (end[axis] < 0 ? -x.shape[axis] - 1 : end[axis]));
  const parts = [starts, ends, axes, axes.map((axis) => strides[axis])].map((list) => graph.int64(list));
  return graph.op('Slice', [x, ...parts], {}, { shape });
}

function sliceKernel(
  graph: LoweringGraph,
  [x]: readonly GraphTensor[],
  attributes: Readonly<Record<string, unknown>>,
): GraphTensor {
  const like = { shape: x.shape as number[], rank: x.shape.length } as unknown as Parameters<
    typeof slice_util.parseSliceParams
  >[0];
  const [begin, size] = slice_util.parseSliceParams(
    like,
    attributes.begin as number | number[],
    attributes.size as number | number[],
  );
  const end = begin.map((start, axis) => start + size[axis]);
  return slice(
    graph,
    x,
    begin,
    end,
    begin.map(() => 1),
    size,
  );
}

interface StridedSliceAttributes {
  begin: number[];
  end: number[];
  strides: number[];
  beginMask: number;
  endMask: number;
  ellipsisMask: number;
  newAxisMask: number;
  shrinkAxisMask: number;
}

function stridedSlice(
  graph: LoweringGraph,
  [x]: readonly GraphTensor[],
  attributes: Readonly<Record<string, unknown>>,
): GraphTensor {
  const { begin, end, strides, beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask } =
    attributes as unknown as StridedSliceAttributes;
  const info = slice_util.sliceInfo(
    x.shape as number[],
    begin,
    end,
    strides,
    beginMask,
    endMask,
    ellipsisMask,
    newAxisMask,
    shrinkAxisMask,
  );
  const size = info.begin.map((start, axis) => Math.max(0, Math.ceil((info.end[axis] - start) / info.strides[axis])));
  return reshape(graph, slice(graph, x, info.begin, info.end, info.strides, size), info.finalShape);
}

function reverse(
  graph: LoweringGraph,
  [x]: readonly GraphTensor[],
  { dims }: Readonly<Record<string, unknown>>,
): GraphTensor {
  const axes = util.parseAxisParam(dims as number | number[], x.shape as number[]);
  const turned = (axis: number): boolean => axes.includes(axis) && x.shape[axis] > 1;
  const begin = x.shape.map((size, axis) => (turned(axis) ? size - 1 : 0));
  const end = x.shape.map((size, axis) => (turned(axis) ? -1 : size));
  return slice(
    graph,
    x,
    begin,
    end,
    x.shape.map((_, axis) => (turned(axis) ? -1 : 1)),
    x.shape,
  );
}

function tile(
  graph: LoweringGraph,
  [x]: readonly GraphTensor[],
  { reps }: Readonly<Record<string, unknown>>,
): GraphTensor {
  const repeats = reps as number[];
  const shape = x.shape.map((size, axis) => size * repeats[axis]);
  if (x.shape.every((size, axis) => size === 1 || repeats[axis] === 1)) return expand(graph, x, shape);
  if (x.uniform !== undefined || sizeOf(shape) === 0) return graph.fill(x.uniform ?? 0, shape, x.dtype);
  return graph.op('Tile', [x, graph.int64(repeats)], {}, { shape });
}

function expandDims(
  graph: LoweringGraph,
  [x]: readonly GraphTensor[],
  { dim }: Readonly<Record<string, unknown>>,
): GraphTensor {
  const rank = x.shape.length;
  util.assert(-(rank + 1) <= (dim as number), () => `Axis must be in the interval [${-(rank + 1)}, ${rank}]`);
  const axis = (dim as number) < 0 ? rank + (dim as number) + 1 : (dim as number);
  return reshape(graph, x, [...x.shape.slice(0, axis), 1, ...x.shape.slice(axis)]);
}

function reshapeKernel(
  graph: LoweringGraph,
  [x]: readonly GraphTensor[],
  { shape }: Readonly<Record<string, unknown>>,
): GraphTensor {
  const wanted = shape as number[];
  const rest = wanted.reduce((product, size) => (size === -1 ? product : product * size), 1);
  return reshape(
    graph,
    x,
    wanted.map((size) => (size === -1 ? sizeOf(x.shape) / rest : size)),
  );
}

export const shapingLowerings: readonly KernelLowering[] = [
  kernel('Identity', ['x'], (_graph, [x]) => x),
  kernel('Reshape', ['x'], reshapeKernel),
  kernel('ExpandDims', ['input'], expandDims),
  kernel('BroadcastTo', ['x'], (graph, [x], { shape }) => expand(graph, x, shape as number[])),
  kernel('Transpose', ['x'], (graph, [x], { perm }) => transpose(graph, x, perm as number[])),
  kernel('Slice', ['x'], sliceKernel),
  kernel('StridedSlice', ['x'], stridedSlice),
  kernel('Reverse', ['x'], reverse),
  kernel('Tile', ['x'], tile),
];

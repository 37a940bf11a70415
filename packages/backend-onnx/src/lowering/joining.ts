import { backend_util, util } from '@tensorflow/tfjs-core';
import { sizeOf } from '../graph/shape';
import type { GraphTensor, LoweringGraph } from '../graph/types';
import { cast, reshape, upcast } from './elementwise';
import { kernel } from './types';
import type { KernelLowering } from './types';

/** Tensors one after the other along an axis. */
export function concat(graph: LoweringGraph, inputs: readonly GraphTensor[], axis: number): GraphTensor {
  const from = axis < 0 ? axis + inputs[0].shape.length : axis;
  backend_util.assertParamsConsistent(
    inputs.map((input) => input.shape as number[]),
    from,
  );
  const dtype = inputs.map((input) => input.dtype).reduce(upcast);
  const full = inputs.filter((input) => sizeOf(input.shape) > 0).map((input) => cast(graph, input, dtype));
  const shape = inputs[0].shape.slice();
  shape[from] = inputs.reduce((sum, input) => sum + input.shape[from], 0);
  if (full.length === 0) return graph.fill(0, shape, dtype);
  if (full.length === 1) return full[0];
  const value = full[0].uniform;
  if (value !== undefined && full.every(({ uniform }) => uniform === value)) return graph.fill(value, shape, dtype);
  return graph.op('Concat', full, { axis: from }, { shape });
}

/** Parts of these sizes along an axis. */
export function split(graph: LoweringGraph, x: GraphTensor, sizes: readonly number[], axis: number): GraphTensor[] {
  const shapes = sizes.map((size) => x.shape.map((whole, i) => (i === axis ? size : whole)));
  if (sizes.length === 1) return [x];
  if (x.uniform !== undefined || sizeOf(x.shape) === 0)
    return shapes.map((shape) => graph.fill(x.uniform ?? 0, shape, x.dtype));
  if (sizes.includes(0)) {
    const some = sizes.filter((size) => size > 0);
    const parts = split(graph, x, some, axis).values();
    return shapes.map((shape) => (sizeOf(shape) === 0 ? graph.fill(0, shape, x.dtype) : parts.next().value!));
  }
  return graph.ops(
    'Split',
    [x, graph.int64(sizes)],
    { axis },
    shapes.map((shape) => ({ shape, dtype: x.dtype })),
  );
}

const fromFront = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

function pack(
  graph: LoweringGraph,
  inputs: readonly GraphTensor[],
  { axis }: Readonly<Record<string, unknown>>,
): GraphTensor {
  const at = fromFront(axis as number, inputs[0].shape.length + 1);
  for (const { shape, dtype } of inputs) {
    util.assertShapesMatch(
      inputs[0].shape as number[],
      shape as number[],
      'All tensors passed to stack must have matching shapes',
    );
    util.assert(inputs[0].dtype === dtype, () => 'All tensors passed to stack must have matching dtypes');
  }
  return concat(
    graph,
    inputs.map((x) => reshape(graph, x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)])),
    at,
  );
}

function unpack(
  graph: LoweringGraph,
  [value]: readonly GraphTensor[],
  { axis }: Readonly<Record<string, unknown>>,
): GraphTensor[] {
  const at = fromFront(axis as number, value.shape.length);
  const shape = value.shape.filter((_, i) => i !== at);
  return split(graph, value, new Array<number>(value.shape[at]).fill(1), at).map((part) => reshape(graph, part, shape));
}

function splitKernel(
  graph: LoweringGraph,
  [x]: readonly GraphTensor[],
  attributes: Readonly<Record<string, unknown>>,
): GraphTensor[] {
  const axis = fromFront(attributes.axis as number, x.shape.length);
  const like = { shape: x.shape } as Parameters<typeof backend_util.prepareSplitSize>[0];
  return split(
    graph,
    x,
    backend_util.prepareSplitSize(like, attributes.numOrSizeSplits as number | number[], axis),
    axis,
  );
}

/** Constant padding. */
export function pad(
  graph: LoweringGraph,
  x: GraphTensor,
  paddings: readonly (readonly [number, number])[],
  value: number,
): GraphTensor {
  const shape = x.shape.map((size, axis) => size + paddings[axis][0] + paddings[axis][1]);
  if (paddings.every(([before, after]) => before === 0 && after === 0)) return x;
  if (sizeOf(x.shape) === 0 || x.uniform === value) return graph.fill(value, shape, x.dtype);
  if (x.dtype === 'bool') return cast(graph, pad(graph, cast(graph, x, 'int32'), paddings, value), 'bool');
  const amounts = graph.int64([...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)]);
  return graph.op('Pad', [x, amounts, graph.scalar(value, x.dtype)], {}, { shape });
}

/** Padding by reflection: the rows are picked out one axis after the other. */
function mirrorPad(
  graph: LoweringGraph,
  [x]: readonly GraphTensor[],
  { paddings, mode }: Readonly<Record<string, unknown>>,
): GraphTensor {
  const edge = mode === 'reflect' ? 0 : 1;
  return (paddings as [number, number][]).reduce((result, [before, after], axis) => {
    if (before === 0 && after === 0) return result;
    const size = result.shape[axis];
    const rows = Array.from({ length: before + size + after }, (_, i) => {
      const at = i - before;
      if (at < 0) return -at - edge;
      return at < size ? at : 2 * (size - 1) - at + edge;
    });
    const shape = result.shape.map((whole, i) => (i === axis ? rows.length : whole));
    return graph.op('Gather', [result, graph.int64(rows)], { axis }, { shape });
  }, x);
}

export const joiningLowerings: readonly KernelLowering[] = [
  kernel('Concat', 'list', (graph, inputs, { axis }) => concat(graph, inputs, axis as number)),
  kernel('Pack', 'list', pack),
  { kernelName: 'Unpack', inputs: ['value'], lower: unpack, list: true },
  { kernelName: 'SplitV', inputs: ['x'], lower: splitKernel, list: true },
  kernel('PadV2', ['x'], (graph, [x], { paddings, constantValue }) =>
    pad(graph, x, paddings as [number, number][], constantValue as number),
  ),
  kernel('MirrorPad', ['x'], mirrorPad),
];

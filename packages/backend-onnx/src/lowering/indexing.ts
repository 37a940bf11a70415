import { backend_util } from '@tensorflow/tfjs-core';
import { backendError } from '../backend/errors';
import { sizeOf } from '../graph/shape';
import type { GraphTensor, LoweringGraph } from '../graph/types';
import { add } from './arithmetic';
import { compare } from './comparison';
import { cast, elementwise, expand, reshape, scalarLike, where } from './elementwise';
import { transpose } from './shaping';
import { kernel } from './types';
import type { CheckedInput, KernelLowering } from './types';

/** Booleans travel as int32 through operators that have no kernel for them. */
function viaInt32(graph: LoweringGraph, x: GraphTensor, compute: (x: GraphTensor) => GraphTensor): GraphTensor {
  return x.dtype === 'bool' ? cast(graph, compute(cast(graph, x, 'int32')), 'bool') : compute(x);
}

/** What a lowering may take for granted once a Gather over `size` rows has accepted these indices. */
const inRange = (graph: LoweringGraph, indices: GraphTensor, size: number): string => {
  const node = graph.producer(indices);
  return `${node?.opType === 'Reshape' ? node.inputs[0] : indices.name} indexes ${size}`;
};

/** Rows of `x` along an axis. An index outside [-size, size) is an error when the program runs. */
export function gather(graph: LoweringGraph, x: GraphTensor, indices: GraphTensor, axis: number): GraphTensor {
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  if (x.uniform !== undefined || sizeOf(shape) === 0) return graph.fill(x.uniform ?? 0, shape, x.dtype);
  graph.facts.add(inRange(graph, indices, x.shape[axis]));
  return graph.op('Gather', [x, cast(graph, indices, 'int32')], { axis }, { shape });
}

function gatherV2(
  graph: LoweringGraph,
  [x, indices]: readonly GraphTensor[],
  attributes: Readonly<Record<string, unknown>>,
): GraphTensor {
  const axis =
    (attributes.axis as number) < 0 ? (attributes.axis as number) + x.shape.length : (attributes.axis as number);
  const batchDims = (attributes.batchDims as number | undefined) ?? 0;
  if (batchDims === 0) return gather(graph, x, indices, axis);
  const { batchSize, outerSize, dimSize, sliceSize, outputShape } = backend_util.segment_util.collectGatherOpShapeInfo(
    { shape: x.shape } as never,
    { shape: indices.shape } as never,
    axis,
    batchDims,
  );
  const perBatch = sizeOf(indices.shape) / batchSize;
  const rows = reshape(
    graph,
    transpose(graph, reshape(graph, x, [batchSize, outerSize, dimSize, sliceSize]), [0, 2, 1, 3]),
    [batchSize * dimSize, outerSize * sliceSize],
  );
  const starts = graph.constant(
    Int32Array.from({ length: batchSize }, (_, i) => i * dimSize),
    [batchSize, 1],
    'int32',
  );
  const flat = reshape(
    graph,
    add(graph, reshape(graph, cast(graph, indices, 'int32'), [batchSize, perBatch]), starts),
    [batchSize * perBatch],
  );
  const picked = reshape(graph, gather(graph, rows, flat, 0), [batchSize, perBatch, outerSize, sliceSize]);
  return reshape(graph, transpose(graph, picked, [0, 2, 1, 3]), outputShape);
}

/** TensorFlow.js takes no negative indices; ONNX would count them from the end. */
function checkIndices([x, indices]: readonly CheckedInput[], attributes: Readonly<Record<string, unknown>>): void {
  const size = x.shape.at(attributes.axis as number)!;
  const { values } = indices;
  for (let i = 0; i < values.length; i++) {
    if (values[i] >= 0 && values[i] < size) continue;
    throw backendError(
      'E_INDEX',
      `GatherV2: the index value ${values[i]} is not in [0, ${size - 1}]`,
      'look at where the indices come from: token ids must be below the vocabulary size',
    );
  }
}

function gatherNd(graph: LoweringGraph, [params, indices]: readonly GraphTensor[]): GraphTensor {
  const depth = indices.shape.at(-1)!;
  const shape = [...indices.shape.slice(0, -1), ...params.shape.slice(depth)];
  if (sizeOf(shape) === 0) return graph.fill(0, shape, params.dtype);
  if (depth === 0) return expand(graph, params, shape);
  return graph.op('GatherND', [params, cast(graph, indices, 'int64')], {}, { shape });
}

/** Writes (or adds) `updates` into `target` at the places that `indices` name. */
export function scatter(
  graph: LoweringGraph,
  target: GraphTensor,
  indices: GraphTensor,
  updates: GraphTensor,
  reduction: 'none' | 'add',
): GraphTensor {
  if (sizeOf(updates.shape) === 0 || sizeOf(target.shape) === 0) return target;
  return graph.op(
    'ScatterND',
    [target, cast(graph, indices, 'int64'), updates],
    reduction === 'none' ? {} : { reduction },
    { shape: target.shape },
  );
}

/** Indices as [N, depth] and updates as [N, ...rest of the target], from the looser forms that TensorFlow.js takes. */
function regular(
  graph: LoweringGraph,
  target: readonly number[],
  indices: GraphTensor,
  updates: GraphTensor,
): [GraphTensor, GraphTensor] {
  const depth = indices.shape.length > 1 ? indices.shape.at(-1)! : 1;
  const count = sizeOf(indices.shape) / Math.max(depth, 1);
  const shape = [count, ...target.slice(depth)];
  const full = sizeOf(updates.shape) === sizeOf(shape) ? reshape(graph, updates, shape) : expand(graph, updates, shape);
  return [reshape(graph, indices, [count, depth]), full];
}

function scatterNd(
  graph: LoweringGraph,
  [indices, updates]: readonly GraphTensor[],
  { shape }: Readonly<Record<string, unknown>>,
): GraphTensor {
  return viaInt32(graph, updates, (values) => {
    const [at, rows] = regular(graph, shape as number[], indices, values);
    return scatter(graph, graph.fill(0, shape as number[], values.dtype), at, rows, 'add');
  });
}

function tensorScatterUpdate(graph: LoweringGraph, [tensor, indices, updates]: readonly GraphTensor[]): GraphTensor {
  const [at, rows] = regular(graph, tensor.shape, indices, cast(graph, updates, tensor.dtype));
  return scatter(graph, tensor, at, rows, 'none');
}

function sparseToDense(
  graph: LoweringGraph,
  [indices, values, fallback]: readonly GraphTensor[],
  { outputShape }: Readonly<Record<string, unknown>>,
): GraphTensor {
  const target = expand(graph, cast(graph, reshape(graph, fallback, []), values.dtype), outputShape as number[]);
  const [at, rows] = regular(graph, target.shape, indices, values);
  return scatter(graph, target, at, rows, 'none');
}

/** Sums of the rows that share an id; rows with an id outside [0, numSegments) count nowhere. x [N, ...], ids [N] → [segments, ...] */
function unsortedSegmentSum(
  graph: LoweringGraph,
  [x, segmentIds]: readonly GraphTensor[],
  { numSegments }: Readonly<Record<string, unknown>>,
): GraphTensor {
  const count = numSegments as number;
  let ids = segmentIds;
  let rows = cast(graph, x, x.dtype === 'bool' ? 'int32' : x.dtype);
  if (!graph.facts.has(inRange(graph, ids, count))) {
    const low = compare(graph, 'GreaterOrEqual', ids, scalarLike(graph, 0, ids));
    const high = compare(graph, 'Less', ids, graph.scalar(count, ids.dtype));
    const valid = elementwise(graph, 'And', [low, high], { dtype: 'bool' });
    ids = where(graph, valid, ids, scalarLike(graph, 0, ids));
    rows = where(
      graph,
      reshape(graph, valid, [ids.shape[0], ...rows.shape.slice(1).map(() => 1)]),
      rows,
      scalarLike(graph, 0, rows),
    );
  }
  return scatter(
    graph,
    graph.fill(0, [count, ...rows.shape.slice(1)], rows.dtype),
    reshape(graph, ids, [...ids.shape, 1]),
    rows,
    'add',
  );
}

function oneHot(
  graph: LoweringGraph,
  [indices]: readonly GraphTensor[],
  attributes: Readonly<Record<string, unknown>>,
): GraphTensor {
  const { depth, onValue, offValue } = attributes as { depth: number; onValue: number; offValue: number };
  const dtype = ((attributes.dtype as GraphTensor['dtype'] | undefined) ?? 'float32') as GraphTensor['dtype'];
  const shape = [...indices.shape, depth];
  if (sizeOf(shape) === 0) return graph.fill(0, shape, dtype);
  if (indices.shape.length === 0) {
    return reshape(graph, oneHot(graph, [reshape(graph, indices, [1])], attributes), shape); // ONNX wants a rank
  }
  const ids = cast(graph, indices, 'int32');
  // A negative index would count from the end; TensorFlow.js lights nothing for it.
  const known = where(graph, compare(graph, 'Less', ids, graph.scalar(0, 'int32')), graph.scalar(depth, 'int32'), ids);
  const values = graph.constant([offValue, onValue], [2], 'float32');
  const hot = graph.op(
    'OneHot',
    [cast(graph, known, 'int64'), graph.int64([depth]), values],
    { axis: -1 },
    { shape, dtype: 'float32' },
  );
  return cast(graph, hot, dtype);
}

function topK(
  graph: LoweringGraph,
  [x]: readonly GraphTensor[],
  { k }: Readonly<Record<string, unknown>>,
): GraphTensor[] {
  const shape = [...x.shape.slice(0, -1), k as number];
  if (sizeOf(shape) === 0) return [graph.fill(0, shape, x.dtype), graph.fill(0, shape, 'int32')];
  const source = cast(graph, x, x.dtype === 'bool' ? 'int32' : x.dtype);
  const outputs = [
    { shape, dtype: source.dtype },
    { shape, dtype: 'int64' as const },
  ];
  const [values, indices] = graph.ops('TopK', [source, graph.int64([k as number])], { axis: -1, sorted: 1 }, outputs);
  return [cast(graph, values, x.dtype), cast(graph, indices, 'int32')];
}

function argExtremum(name: string): KernelLowering {
  return kernel(name, ['x'], (graph, [x], attributes) => {
    const axes = attributes.axis as number | number[];
    const first = Array.isArray(axes) ? axes[0] : axes;
    const axis = first < 0 ? first + x.shape.length : first;
    const shape = x.shape.filter((_, i) => i !== axis);
    if (sizeOf(x.shape) === 0) return graph.fill(0, shape, 'int32');
    let source = cast(graph, x, x.dtype === 'bool' ? 'int32' : x.dtype);
    if (x.dtype === 'float32') {
      const least = scalarLike(graph, name === 'ArgMax' ? -Infinity : Infinity, x); // NaN is never the one
      source = where(graph, elementwise(graph, 'IsNaN', [x], { dtype: 'bool' }), least, x);
    }
    return cast(graph, graph.op(name, [source], { axis, keepdims: 0 }, { shape, dtype: 'int64' }), 'int32');
  });
}

export const indexingLowerings: readonly KernelLowering[] = [
  { ...kernel('GatherV2', ['x', 'indices'], gatherV2), check: checkIndices },
  kernel('GatherNd', ['params', 'indices'], gatherNd),
  kernel('ScatterNd', ['indices', 'updates'], scatterNd),
  kernel('TensorScatterUpdate', ['tensor', 'indices', 'updates'], tensorScatterUpdate),
  kernel('SparseToDense', ['sparseIndices', 'sparseValues', 'defaultValue'], sparseToDense),
  kernel('UnsortedSegmentSum', ['x', 'segmentIds'], unsortedSegmentSum),
  kernel('OneHot', ['indices'], oneHot),
  { kernelName: 'TopK', inputs: ['x'], lower: topK },
  argExtremum('ArgMax'),
  argExtremum('ArgMin'),
];

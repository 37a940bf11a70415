import { elementCodes } from '../graph/elementCodes';
import { broadcastShape, sameShape, sizeOf } from '../graph/shape';
import type { Attribute, GraphTensor, LoweringGraph } from '../graph/types';
import type { ElementType } from '../runtime/types';

/** The tensor with other dimensions over the same elements. */
export function reshape(graph: LoweringGraph, x: GraphTensor, shape: readonly number[]): GraphTensor {
  if (sameShape(x.shape, shape)) return x;
  if (x.uniform !== undefined) return graph.fill(x.uniform, shape, x.dtype);
  const node = graph.producer(x);
  const source = node?.opType === 'Reshape' ? graph.tensor(node.inputs[0]) : x; // only the last of several counts
  if (sameShape(source.shape, shape)) return source;
  if (sizeOf(shape) === 0) return graph.fill(0, shape, x.dtype);
  return graph.op('Reshape', [source, graph.int64(shape)], {}, { shape });
}

/** The tensor repeated along its dimensions of size 1 until it has that shape. */
export function expand(graph: LoweringGraph, x: GraphTensor, shape: readonly number[]): GraphTensor {
  if (sameShape(x.shape, shape)) return x;
  if (x.uniform !== undefined || sizeOf(shape) === 0) return graph.fill(x.uniform ?? 0, shape, x.dtype);
  return graph.op('Expand', [unexpanded(graph, x), graph.int64(shape)], {}, { shape });
}

/** The tensor in another element type. */
export function cast(graph: LoweringGraph, x: GraphTensor, dtype: ElementType): GraphTensor {
  if (x.dtype === dtype) return x;
  if (x.uniform !== undefined && (x.dtype !== 'float32' || Number.isFinite(x.uniform))) {
    return graph.fill(
      dtype === 'bool' ? Number(x.uniform !== 0) : dtype.includes('int') ? Math.trunc(x.uniform) : x.uniform,
      x.shape,
      dtype,
    );
  }
  return elementwise(graph, 'Cast', [x], { dtype, attributes: { to: elementCodes[dtype] } });
}

/** What an elementwise node may be told. */
export interface ElementwiseOptions {
  dtype?: ElementType;
  attributes?: Readonly<Record<string, Attribute>>;
  domain?: string;
}

/**
 * One elementwise node with broadcasting. What was broadcast before is taken in its small form, computed small, and
 * broadcast afterwards: a gradient such as `dy · ones` then costs no pass over memory.
 */
export function elementwise(
  graph: LoweringGraph,
  opType: string,
  inputs: readonly GraphTensor[],
  options: ElementwiseOptions = {},
): GraphTensor {
  const shape = inputs.map((input) => input.shape).reduce(broadcastShape);
  const dtype = options.dtype ?? inputs[0].dtype;
  if (sizeOf(shape) === 0) return graph.fill(0, shape, dtype);
  const small = inputs.map((input) => unexpanded(graph, input));
  const smallShape = small.map((input) => input.shape).reduce(broadcastShape);
  const result = graph.op(opType, small, options.attributes, {
    shape: smallShape,
    dtype,
    ...(options.domain ? { domain: options.domain } : {}),
  });
  return expand(graph, result, shape);
}

function unexpanded(graph: LoweringGraph, x: GraphTensor): GraphTensor {
  if (x.uniform !== undefined) return x.shape.length === 0 ? x : graph.scalar(x.uniform, x.dtype);
  const node = graph.producer(x);
  return node?.opType === 'Expand' ? graph.tensor(node.inputs[0]) : x;
}

/** A constant of rank 0 in the element type of `like`. */
export function scalarLike(graph: LoweringGraph, value: number, like: GraphTensor): GraphTensor {
  return graph.scalar(value, like.dtype);
}

/** `condition ? a : b`, elementwise with broadcasting. */
export function where(graph: LoweringGraph, condition: GraphTensor, a: GraphTensor, b: GraphTensor): GraphTensor {
  if (a.dtype === 'bool') {
    return cast(graph, where(graph, condition, cast(graph, a, 'int32'), cast(graph, b, 'int32')), 'bool');
  }
  return elementwise(graph, 'Where', [condition, a, b], { dtype: a.dtype });
}

/** float32 → int32 as storing in an Int32Array does it: NaN and the infinities become 0. */
export function toInt32(graph: LoweringGraph, x: GraphTensor): GraphTensor {
  if (x.uniform !== undefined)
    return graph.fill(Math.trunc(Number.isFinite(x.uniform) ? x.uniform : 0), x.shape, 'int32');
  const size = elementwise(graph, 'Abs', [x]);
  const finite = elementwise(graph, 'Less', [size, scalarLike(graph, Infinity, x)], { dtype: 'bool' });
  return cast(graph, where(graph, finite, x, scalarLike(graph, 0, x)), 'int32');
}

/** The element type that holds both, as `tf.upcastType` says. */
export function upcast(a: ElementType, b: ElementType): ElementType {
  const order: ElementType[] = ['bool', 'int32', 'float32'];
  return order[Math.max(order.indexOf(a), order.indexOf(b))] ?? a;
}

/** Rounding of a result to the precision of its element type, for numbers that are folded here. */
export function folded(
  graph: LoweringGraph,
  values: readonly GraphTensor[],
  combine: (...values: number[]) => number,
): GraphTensor | undefined {
  if (values.some(({ uniform, dtype }) => uniform === undefined || dtype !== 'float32')) return undefined;
  const result = Math.fround(combine(...values.map(({ uniform }) => uniform!)));
  return graph.fill(result, values.map(({ shape }) => shape).reduce(broadcastShape), 'float32');
}

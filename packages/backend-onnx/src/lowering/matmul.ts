import { broadcastShape, sizeOf } from '../graph/shape';
import type { GraphTensor, LoweringGraph } from '../graph/types';
import { add } from './arithmetic';
import { cast, elementwise, scalarLike, upcast } from './elementwise';
import { kernel } from './types';
import type { KernelLowering } from './types';
import { activations } from './unary';

/** How a product reads its operands. */
export interface ProductOptions {
  transposeA?: boolean;
  transposeB?: boolean;
  /** A factor that costs nothing: the product computes `alpha · a · b`. */
  alpha?: number;
}

/**
 * `alpha · a · b` over the last two dimensions, with broadcasting over the others. a [..,M,K], b [..,K,N] → [..,M,N]
 *
 * ONNX Runtime's own FusedMatMul reads transposed operands as they lie, but WebGPU does not have it.
 */
export function product(
  graph: LoweringGraph,
  first: GraphTensor,
  second: GraphTensor,
  { transposeA = false, transposeB = false, alpha = 1 }: ProductOptions = {},
): GraphTensor {
  const dtype = upcast(first.dtype, second.dtype) === 'float32' ? 'float32' : 'int32';
  const a = cast(graph, first, dtype);
  const b = cast(graph, second, dtype);
  const rows = a.shape.at(transposeA ? -1 : -2)!;
  const inner = a.shape.at(transposeA ? -2 : -1)!;
  const columns = b.shape.at(transposeB ? -2 : -1)!;
  const shape = [...broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2)), rows, columns];
  if (inner === 0 || sizeOf(shape) === 0) return graph.fill(0, shape, dtype);
  if (graph.provider === 'webgpu' && dtype === 'float32' && a.shape.length === 2 && b.shape.length === 2) {
    const attributes = { transA: Number(transposeA), transB: Number(transposeB), alpha: { float: alpha } };
    return graph.op('Gemm', [a, b], attributes, { shape });
  }
  if (graph.provider !== 'webgpu' && dtype === 'float32' && (transposeA || transposeB || alpha !== 1)) {
    const attributes = { transA: Number(transposeA), transB: Number(transposeB), alpha: { float: alpha } };
    return graph.op('FusedMatMul', [a, b], attributes, { domain: 'com.microsoft', shape });
  }
  const result = graph.op(
    'MatMul',
    [transposeA ? swapped(graph, a) : a, transposeB ? swapped(graph, b) : b],
    {},
    { shape },
  );
  return alpha === 1 ? result : elementwise(graph, 'Mul', [result, scalarLike(graph, alpha, result)]);
}

/** The last two dimensions exchanged. */
function swapped(graph: LoweringGraph, x: GraphTensor): GraphTensor {
  const rank = x.shape.length;
  const perm = x.shape.map((_, axis) => (axis === rank - 1 ? rank - 2 : axis === rank - 2 ? rank - 1 : axis));
  return graph.op('Transpose', [x], { perm }, { shape: perm.map((axis) => x.shape[axis]) });
}

/** The product as the kernels' attributes describe it. */
function productOf(
  graph: LoweringGraph,
  [a, b]: readonly GraphTensor[],
  attributes: Readonly<Record<string, unknown>>,
): GraphTensor {
  return product(graph, a, b, attributes as ProductOptions);
}

/** Product, bias and activation in one kernel. */
function fusedProduct(
  graph: LoweringGraph,
  [a, b, bias, slopes]: readonly GraphTensor[],
  attributes: Readonly<Record<string, unknown>>,
): GraphTensor {
  let result = product(graph, a, b, {
    transposeA: Boolean(attributes.transposeA),
    transposeB: Boolean(attributes.transposeB),
  });
  if (bias) result = add(graph, result, bias);
  const name = attributes.activation as string | undefined;
  if (!name) return result;
  if (name === 'prelu') return elementwise(graph, 'PRelu', [result, slopes]);
  return activations[name](graph, result, { alpha: attributes.leakyreluAlpha });
}

export const matmulLowerings: readonly KernelLowering[] = [
  kernel('BatchMatMul', ['a', 'b'], productOf),
  kernel('_FusedMatMul', ['a', 'b', 'bias', 'preluActivationWeights'], fusedProduct),
  kernel('FusedMatMul', ['a', 'b'], productOf),
];

import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { GraphTensor, LoweringGraph } from '../../graph/types';
import { product } from '../matmul';
import { reshape } from '../elementwise';
import { nativeDomain } from './types';
import type { NativeLowering } from './types';

type Inputs = Readonly<Record<string, TensorInfo | undefined>>;

/** From this many multiplications on our own product pays for its packing. */
const largeProduct = 1 << 21;

/** Up to so many rows the time goes into reading the matrix, which the native product reads once, as it lies. */
const fewRows = 8;
const smallMatrix = 1 << 14;

function supports(inputs: Inputs): boolean {
  const { x, weight } = inputs;
  if (x !== undefined && weight !== undefined && x.shape[0] <= fewRows)
    return x.shape[0] > 0 && weight.shape[0] * weight.shape[1] >= smallMatrix;
  return isLarge(inputs);
}

function isLarge({ x, weight }: Inputs): boolean {
  return (
    x !== undefined &&
    weight !== undefined &&
    x.shape[0] >= 32 &&
    x.shape[0] * weight.shape[0] * weight.shape[1] >= largeProduct
  );
}

/** op(a) op(b) + addend, where the addend is a bias row, a matrix, or left out. */
function nativeProduct(
  graph: LoweringGraph,
  a: GraphTensor,
  b: GraphTensor,
  transA: boolean,
  transB: boolean,
  addend?: GraphTensor,
): GraphTensor {
  const shape = [a.shape[transA ? 1 : 0], b.shape[transB ? 0 : 1]];
  const attributes = { transA: Number(transA), transB: Number(transB) };
  return graph.op('MatrixProduct', addend ? [a, b, addend] : [a, b], attributes, { domain: nativeDomain, shape });
}

export const linearLowerings: readonly NativeLowering[] = [
  {
    // x [N,in], weight [in,out] or (outIn) [out,in], bias [out]? → [N,out]
    kernelName: 'Linear',
    inputs: ['x', 'weight', 'bias'],
    supports,
    lower: (graph, [x, weight, bias], { outIn }) => [nativeProduct(graph, x, weight, false, Boolean(outIn), bias)],
  },
  {
    kernelName: 'LinearGradient',
    inputs: ['gradient', 'x', 'weight', 'bias'],
    supports: isLarge,
    lower(graph, [gradient, x, weight, bias], { outIn }) {
      const byInput = nativeProduct(graph, gradient, weight, false, !outIn);
      const byWeight = outIn
        ? nativeProduct(graph, gradient, x, true, false)
        : nativeProduct(graph, x, gradient, true, false);
      if (!bias) return [byInput, byWeight];
      const ones = graph.fill(1, [1, gradient.shape[0]], 'float32');
      return [byInput, byWeight, reshape(graph, product(graph, ones, gradient), bias.shape)];
    },
  },
];

import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { GraphTensor } from '../../graph/types';
import { nativeDomain } from './types';
import type { NativeLowering } from './types';

type Inputs = Readonly<Record<string, TensorInfo | undefined>>;

/** The kernels walk a row eight features at a time. */
const widthFits = ({ x }: Inputs): boolean => x !== undefined && x.shape.at(-1)! % 8 === 0;
const like = ({ shape, dtype }: GraphTensor): { shape: readonly number[]; dtype: GraphTensor['dtype'] } => ({
  shape,
  dtype,
});
const perRow = ({ shape, dtype }: GraphTensor): { shape: readonly number[]; dtype: GraphTensor['dtype'] } => ({
  shape: [...shape.slice(0, -1), 1],
  dtype,
});
const settings = (epsilon: unknown): { axis: number; epsilon: { float: number } } => ({
  axis: -1,
  epsilon: { float: epsilon as number },
});

export const normalizationLowerings: readonly NativeLowering[] = [
  {
    // x [N,D], weight [D], bias [D] → y [N,D], mean [N,1], 1 / deviation [N,1]
    kernelName: 'LayerNorm',
    inputs: ['x', 'weight', 'bias'],
    supports: (inputs) => widthFits(inputs) && inputs.weight !== undefined && inputs.bias !== undefined,
    lower: (graph, [x, weight, bias], { epsilon }) =>
      graph.ops('LayerNormalization', [x, weight, bias], settings(epsilon), [like(x), perRow(x), perRow(x)]),
  },
  {
    kernelName: 'LayerNormGradient',
    inputs: ['gradient', 'x', 'weight', 'bias', 'extra0', 'extra1'],
    supports: widthFits,
    lower: (graph, [gradient, x, weight, bias, mean, inverse]) =>
      graph.ops(
        'LayerNormalizationGrad',
        [gradient, x, weight, mean, inverse],
        {},
        [like(x), like(weight), like(bias)],
        nativeDomain,
      ),
  },
  {
    // x [N,D], weight [D] → y [N,D], 1 / root mean square [N,1]
    kernelName: 'RmsNorm',
    inputs: ['x', 'weight'],
    supports: (inputs) => widthFits(inputs) && inputs.weight !== undefined,
    lower: (graph, [x, weight], { epsilon }) =>
      graph.ops('SimplifiedLayerNormalization', [x, weight], settings(epsilon), [like(x), perRow(x)]),
  },
  {
    kernelName: 'RmsNormGradient',
    inputs: ['gradient', 'x', 'weight', 'extra0'],
    supports: widthFits,
    lower: (graph, [gradient, x, weight, inverse]) =>
      graph.ops('RmsNormalizationGrad', [gradient, x, weight, inverse], {}, [like(x), like(weight)], nativeDomain),
  },
];

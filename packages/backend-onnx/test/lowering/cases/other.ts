import { exactly, random } from '../../support/compareBackends';
import type { KernelCase } from '../../support/compareBackends';

export const otherCases: KernelCase[] = [
  {
    kernel: 'OneHot',
    label: 'scalar',
    inputs: { indices: exactly([2], 'int32', []) },
    attributes: { depth: 4, onValue: 1, offValue: 0, dtype: 'float32' },
  },
  ...['ArgMax', 'ArgMin'].map((kernel) => ({
    kernel,
    label: 'NaN',
    inputs: { x: exactly([0, NaN, 3, -1, NaN, 1], 'float32', [2, 3]) },
    attributes: { axis: 1 },
  })),
  ...['Exp', 'Expm1', 'Log1p', 'Softplus', 'Reciprocal'].map((kernel) => ({
    kernel,
    label: 'int32',
    inputs: { x: exactly([1, 2, 3, 5], 'int32') },
  })),
  {
    kernel: 'TopK',
    label: 'unsorted',
    inputs: { x: exactly(new Array<number>(40).fill(1)) },
    attributes: { k: 3, sorted: false },
  },
  { kernel: 'Einsum', label: 'outer', inputs: [random([3]), random([4])], attributes: { equation: 'i,j->ij' } },
  {
    kernel: 'UnsortedSegmentSum',
    inputs: { x: random([5, 2]), segmentIds: exactly([0, 2, 2, 0, 1], 'int32') },
    attributes: { numSegments: 4 },
  },
  {
    kernel: 'UnsortedSegmentSum',
    label: 'strangers',
    inputs: { x: random([5, 2]), segmentIds: exactly([0, -1, 2, 7, 4], 'int32') },
    attributes: { numSegments: 4 },
  },
  {
    kernel: 'UnsortedSegmentSum',
    label: 'rank 3',
    inputs: { x: random([3, 2, 2]), segmentIds: exactly([1, 1, 0], 'int32') },
    attributes: { numSegments: 2 },
  },
  {
    kernel: 'OneHot',
    inputs: { indices: exactly([0, 3, -1, 4, -100, 100], 'int32') },
    attributes: { depth: 4, onValue: 1, offValue: 0, dtype: 'float32' },
  },
  {
    kernel: 'OneHot',
    label: 'int32',
    inputs: { indices: exactly([0, 3, 1, 2], 'int32', [2, 2]) },
    attributes: { depth: 4, onValue: 5, offValue: -2, dtype: 'int32' },
  },
  {
    kernel: 'OneHot',
    label: 'bool',
    inputs: { indices: exactly([0, 1], 'int32') },
    attributes: { depth: 2, onValue: 1, offValue: 0, dtype: 'bool' },
  },
  ...[[4], [2, 3], [2, 3, 5]].flatMap((shape) => [
    {
      kernel: 'Softmax',
      label: `[${shape}]`,
      inputs: { logits: random(shape, 'float32', -20, 20) },
      attributes: { dim: shape.length - 1 },
    },
  ]),
  {
    kernel: 'Softmax',
    label: 'masked',
    inputs: { logits: exactly([1, -1e9, 2, -Infinity], 'float32', [1, 4]) },
    attributes: { dim: 1 },
  },
  { kernel: 'Fill', inputs: [], attributes: { shape: [2, 30], value: 1.5, dtype: 'float32' } },
  { kernel: 'Fill', label: 'int32', inputs: [], attributes: { shape: [], value: 7, dtype: 'int32' } },
  { kernel: 'Fill', label: 'guessed', inputs: [], attributes: { shape: [2], value: 7 } },
  { kernel: 'Range', inputs: [], attributes: { start: 0, stop: 5, step: 1, dtype: 'int32' } },
  { kernel: 'Range', label: 'down', inputs: [], attributes: { start: 5, stop: 0, step: -2, dtype: 'float32' } },
  { kernel: 'Range', label: 'fractions', inputs: [], attributes: { start: 0, stop: 1, step: 0.1, dtype: 'float32' } },
  { kernel: 'Range', label: 'empty', inputs: [], attributes: { start: 3, stop: 3, step: 1, dtype: 'float32' } },
  { kernel: 'LinSpace', inputs: [], attributes: { start: 0, stop: 1, num: 7 } },
  ...['ij,jk->ik', 'ij,kj->ik', 'ij,ij->', 'ij->ji'].map((equation) => ({
    kernel: 'Einsum',
    label: equation,
    inputs: equation.includes(',') ? [random([3, 3]), random([3, 3])] : [random([2, 3])],
    attributes: { equation },
  })),
];

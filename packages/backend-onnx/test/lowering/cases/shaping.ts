import { exactly, random } from '../../support/compareBackends';
import type { KernelCase, Plain } from '../../support/compareBackends';
import { kinds } from './shared';

export const shapingCases: KernelCase[] = kinds.flatMap((dtype) => {
  const of = (shape: number[]): Plain => random(shape, dtype, -9, 9);
  const cases: KernelCase[] = [
    { kernel: 'Reshape', inputs: { x: of([2, 6]) }, attributes: { shape: [3, -1] } },
    { kernel: 'ExpandDims', inputs: { input: of([2, 3]) }, attributes: { dim: 1 } },
    { kernel: 'Transpose', inputs: { x: of([2, 3, 4]) }, attributes: { perm: [2, 0, 1] } },
    { kernel: 'Transpose', label: 'trivial', inputs: { x: of([2, 1, 4]) }, attributes: { perm: [1, 0, 2] } },
    { kernel: 'Slice', inputs: { x: of([4, 5]) }, attributes: { begin: [1, 2], size: [2, -1] } },
    { kernel: 'Slice', label: 'nothing', inputs: { x: of([4, 5]) }, attributes: { begin: [1, 2], size: [2, 0] } },
    { kernel: 'Slice', label: 'all', inputs: { x: of([4, 5]) }, attributes: { begin: [0, 0], size: [4, 5] } },
    ...[
      { begin: [0, 1], end: [4, 5], strides: [2, 2] },
      { begin: [3, 4], end: [-5, -6], strides: [-1, -2] },
      { begin: [3, 4], end: [0, 0], strides: [-2, -1], endMask: 1 },
      { begin: [1, 0], end: [2, 5], strides: [1, 1], shrinkAxisMask: 1 },
      { begin: [1, 0, 1], end: [3, 0, 4], strides: [1, 1, 1], newAxisMask: 2 },
      { begin: [0, 1], end: [0, 3], strides: [1, 1], ellipsisMask: 1 },
    ].map((part, i) => ({
      kernel: 'StridedSlice',
      label: String(i),
      inputs: { x: of([4, 5]) },
      attributes: { beginMask: 0, endMask: 0, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0, ...part },
    })),
    { kernel: 'Reverse', inputs: { x: of([3, 4]) }, attributes: { dims: [1] } },
    { kernel: 'Reverse', label: 'both', inputs: { x: of([3, 4]) }, attributes: { dims: [0, -1] } },
    { kernel: 'Tile', inputs: { x: of([2, 3]) }, attributes: { reps: [2, 3] } },
    { kernel: 'Tile', label: 'of ones', inputs: { x: of([1, 3]) }, attributes: { reps: [4, 1] } },
    { kernel: 'Concat', inputs: [of([2, 3]), of([2, 1]), of([2, 0])], attributes: { axis: 1 } },
    { kernel: 'Pack', inputs: [of([2, 3]), of([2, 3])], attributes: { axis: 1 } },
    { kernel: 'Unpack', inputs: { value: of([2, 3]) }, attributes: { axis: 1 } },
    { kernel: 'Unpack', label: 'one', inputs: { value: of([1, 3]) }, attributes: { axis: 0 } },
    { kernel: 'SplitV', inputs: { x: of([2, 6]) }, attributes: { numOrSizeSplits: 3, axis: 1 } },
    {
      kernel: 'SplitV',
      label: 'uneven',
      inputs: { x: of([2, 6]) },
      attributes: { numOrSizeSplits: [1, 0, 5], axis: -1 },
    },
    {
      kernel: 'PadV2',
      inputs: { x: of([2, 3]) },
      attributes: {
        paddings: [
          [1, 0],
          [0, 2],
        ],
        constantValue: 1,
      },
    },
    {
      kernel: 'MirrorPad',
      label: 'reflect',
      inputs: { x: of([3, 4]) },
      attributes: {
        paddings: [
          [1, 2],
          [0, 3],
        ],
        mode: 'reflect',
      },
    },
    {
      kernel: 'MirrorPad',
      label: 'symmetric',
      inputs: { x: of([3, 4]) },
      attributes: {
        paddings: [
          [1, 2],
          [0, 3],
        ],
        mode: 'symmetric',
      },
    },
    { kernel: 'Select', inputs: { condition: random([2, 3], 'bool'), t: of([2, 3]), e: of([2, 3]) } },
    {
      kernel: 'GatherV2',
      inputs: { x: of([4, 3]), indices: exactly([3, 0, 0, 2], 'int32', [2, 2]) },
      attributes: { axis: 0, batchDims: 0 },
    },
    {
      kernel: 'GatherV2',
      label: 'axis 1',
      inputs: { x: of([2, 4, 3]), indices: exactly([3, 1], 'int32') },
      attributes: { axis: 1, batchDims: 0 },
    },
    {
      kernel: 'GatherV2',
      label: 'batched',
      inputs: { x: of([2, 4, 3]), indices: exactly([3, 1, 0, 2], 'int32', [2, 2]) },
      attributes: { axis: 1, batchDims: 1 },
    },
    {
      kernel: 'GatherV2',
      label: 'batched, axis 2',
      inputs: { x: of([2, 4, 3]), indices: exactly([2, 1, 0, 2], 'int32', [2, 2]) },
      attributes: { axis: 2, batchDims: 1 },
    },
    { kernel: 'GatherNd', inputs: { params: of([3, 4]), indices: exactly([0, 1, 2, 3], 'int32', [2, 2]) } },
    { kernel: 'GatherNd', label: 'rows', inputs: { params: of([3, 4]), indices: exactly([2, 0], 'int32', [2, 1]) } },
    { kernel: 'ZerosLike', inputs: { x: of([2, 40]) } },
    { kernel: 'OnesLike', inputs: { x: of([2, 40]) } },
  ];
  return cases.map((test) => ({ ...test, label: `${dtype} ${test.label ?? ''}` }));
});

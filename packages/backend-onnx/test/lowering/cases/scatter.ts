import { exactly, random } from '../../support/compareBackends';
import type { KernelCase } from '../../support/compareBackends';

export const scatterCases: KernelCase[] = (['float32', 'int32'] as const).flatMap((dtype): KernelCase[] => [
  {
    kernel: 'ScatterNd',
    label: dtype,
    inputs: { indices: exactly([1, 3, 1], 'int32', [3, 1]), updates: random([3, 2], dtype, -9, 9) },
    attributes: { shape: [4, 2] },
  },
  {
    kernel: 'ScatterNd',
    label: `${dtype} flat`,
    inputs: { indices: exactly([1, 3], 'int32', [2, 1]), updates: random([2], dtype, -9, 9) },
    attributes: { shape: [5] },
  },
  {
    kernel: 'TensorScatterUpdate',
    label: dtype,
    inputs: {
      tensor: random([4, 2], dtype, -9, 9),
      indices: exactly([1, 3], 'int32', [2, 1]),
      updates: random([2, 2], dtype, -9, 9),
    },
  },
  {
    kernel: 'TensorScatterUpdate',
    label: `${dtype} elements`,
    inputs: {
      tensor: random([4, 2], dtype, -9, 9),
      indices: exactly([1, 1, 3, 0], 'int32', [2, 2]),
      updates: random([2], dtype, -9, 9),
    },
  },
  {
    kernel: 'SparseToDense',
    label: dtype,
    inputs: {
      sparseIndices: exactly([0, 3], 'int32', [2, 1]),
      sparseValues: random([2], dtype, -9, 9),
      defaultValue: exactly([5], dtype, []),
    },
    attributes: { outputShape: [6] },
  },
  { kernel: 'TopK', label: dtype, inputs: { x: random([3, 7], dtype, -9, 9) }, attributes: { k: 3, sorted: true } },
  {
    kernel: 'TopK',
    label: `${dtype} all`,
    inputs: { x: random([7], dtype, -9, 9) },
    attributes: { k: 7, sorted: true },
  },
]);

import { util } from '@tensorflow/tfjs-core';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelLowering } from '../lowering/types';
import type { TensorHost } from './host';

type Run = (
  kernel: KernelLowering,
  inputs: readonly (TensorInfo | undefined)[],
  attributes: Readonly<Record<string, unknown>>,
) => TensorInfo[];

/** Kernels that move or compare elements without looking inside them. */
const movingOrComparing = new Set([
  ...[
    'Concat',
    'Pack',
    'Unpack',
    'SplitV',
    'Slice',
    'StridedSlice',
    'Tile',
    'Transpose',
    'Reverse',
    'GatherV2',
    'GatherNd',
  ],
  ...['Identity', 'Reshape', 'ExpandDims', 'Select', 'SparseToDense', 'TensorScatterUpdate', 'BroadcastTo'],
  ...['Equal', 'NotEqual', 'Greater', 'GreaterEqual', 'Less', 'LessEqual'],
]);

/** Whether a kernel can take these inputs by their ranks. */
export function takesStrings(kernel: KernelLowering, inputs: readonly (TensorInfo | undefined)[]): boolean {
  return movingOrComparing.has(kernel.kernelName) && inputs.some((input) => input?.dtype === 'string');
}

/**
 * Runs a kernel on strings: each stands in as its rank among all strings of the inputs, so that equal strings are equal
 * numbers and order is order; ranks that come out are turned back into strings.
 */
export function runOnStrings(
  backend: TensorHost,
  run: Run,
  kernel: KernelLowering,
  inputs: readonly (TensorInfo | undefined)[],
  attributes: Readonly<Record<string, unknown>>,
): TensorInfo[] {
  const lists = inputs.map((input) => (input?.dtype === 'string' ? backend.record(input.dataId).strings! : []));
  const words = lists.map((list) => list.map((bytes) => util.decodeString(bytes)));
  const sorted = [...new Set(words.flat())].sort();
  const ranks = new Map(sorted.map((word, rank) => [word, rank]));
  const numbers = inputs.map((input, i): TensorInfo | undefined => {
    if (input?.dtype !== 'string') return input;
    const values = Int32Array.from(words[i], (word) => ranks.get(word)!);
    return { dataId: backend.write(values, input.shape, 'int32'), shape: input.shape, dtype: 'int32' };
  });
  const outputs = run(kernel, numbers, attributes);
  const results = outputs.map((output): TensorInfo => {
    if (output.dtype !== 'int32') return output;
    const { values } = backend.record(output.dataId);
    const strings = Array.from(values!, (rank) => util.encodeString(sorted[rank] ?? ''));
    const dataId = backend.write(strings, output.shape, 'string');
    backend.disposeData(output.dataId);
    return { dataId, shape: output.shape, dtype: 'string' };
  });
  inputs.forEach((input, i) => {
    if (input !== numbers[i]) backend.disposeData(numbers[i]!.dataId);
  });
  return results;
}

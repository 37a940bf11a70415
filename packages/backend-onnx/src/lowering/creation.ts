import { util } from '@tensorflow/tfjs-core';
import type { GraphTensor, LoweringGraph } from '../graph/types';
import { kernel } from './types';
import type { KernelLowering } from './types';

function fill(
  graph: LoweringGraph,
  _inputs: readonly GraphTensor[],
  attributes: Readonly<Record<string, unknown>>,
): GraphTensor {
  const value = attributes.value as number;
  const dtype =
    (attributes.dtype as GraphTensor['dtype'] | undefined) ?? (util.inferDtype(value) as GraphTensor['dtype']);
  return graph.fill(Number(value), attributes.shape as number[], dtype);
}

/** Numbers from start (included) to stop (excluded); the step turns its sign where it points away. */
function range(
  graph: LoweringGraph,
  _inputs: readonly GraphTensor[],
  attributes: Readonly<Record<string, unknown>>,
): GraphTensor {
  const { start, stop, dtype } = attributes as { start: number; stop: number; dtype: 'float32' | 'int32' };
  let step = attributes.step as number;
  if (start === stop || (start < stop && step < 0) || (stop < start && step > 1)) return graph.fill(0, [0], dtype);
  if (stop < start && step === 1) step = -1;
  const count = Math.abs(Math.ceil((stop - start) / step));
  const values = dtype === 'int32' ? new Int32Array(count) : new Float32Array(count);
  values[0] = start;
  for (let i = 1; i < count; i++) values[i] = values[i - 1] + step; // summed up, as TensorFlow.js does
  return graph.constant(values, [count], dtype);
}

function linSpace(
  graph: LoweringGraph,
  _inputs: readonly GraphTensor[],
  attributes: Readonly<Record<string, unknown>>,
): GraphTensor {
  const { start, stop, num } = attributes as { start: number; stop: number; num: number };
  const step = (stop - start) / (num - 1);
  const values = new Float32Array(num);
  values[0] = start;
  for (let i = 1; i < num; i++) values[i] = values[i - 1] + step;
  return graph.constant(values, [num], 'float32');
}

export const creationLowerings: readonly KernelLowering[] = [
  kernel('Fill', [], fill),
  kernel('Range', [], range),
  kernel('LinSpace', [], linSpace),
  kernel('ZerosLike', ['x'], (graph, [x]) => graph.fill(0, x.shape, x.dtype)),
  kernel('OnesLike', ['x'], (graph, [x]) => graph.fill(1, x.shape, x.dtype)),
];

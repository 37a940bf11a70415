import type { GraphTensor, LoweringGraph } from '../graph/types';
import { cast, toInt32 } from './elementwise';
import { kernel } from './types';
import type { KernelLowering } from './types';

function castKernel(
  graph: LoweringGraph,
  [x]: readonly GraphTensor[],
  { dtype }: Readonly<Record<string, unknown>>,
): GraphTensor {
  if (x.dtype === 'float32' && dtype === 'int32') return toInt32(graph, x);
  return cast(graph, x, dtype as GraphTensor['dtype']);
}

export const conversionLowerings: readonly KernelLowering[] = [kernel('Cast', ['x'], castKernel)];

import type { GraphTensor, LoweringGraph } from '../graph/types';
import { cast } from './elementwise';
import { kernel } from './types';
import type { KernelLowering } from './types';

function castKernel(graph: LoweringGraph, [x]: readonly GraphTensor[], { dtype }: Readonly<Record<string, unknown>>): GraphTensor {
  return cast(graph, x, dtype as GraphTensor['dtype']);
}

export const conversionLowerings: readonly KernelLowering[] = [kernel('Cast', ['x'], castKernel)];

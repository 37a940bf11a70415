import type { GraphTensor, LoweringGraph } from '../graph/types';
import { sizeOf } from '../graph/shape';
import { cast } from './elementwise';
import { kernel } from './types';
import type { KernelLowering } from './types';

function normalized(opType: string, attribute: string): KernelLowering {
  return kernel(opType, ['logits'], (graph: LoweringGraph, [logits]: readonly GraphTensor[], attributes) => {
    if (sizeOf(logits.shape) === 0) return graph.fill(0, logits.shape, 'float32');
    return graph.op(opType, [cast(graph, logits, 'float32')], {
      axis: (attributes[attribute] as number | undefined) ?? -1,
    });
  });
}

export const softmaxLowerings: readonly KernelLowering[] = [
  normalized('Softmax', 'dim'),
  normalized('LogSoftmax', 'axis'),
];

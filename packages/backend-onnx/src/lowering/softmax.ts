import type { GraphTensor, LoweringGraph } from '../graph/types';
import { sizeOf } from '../graph/shape';
import { cast } from './elementwise';
import { kernel } from './types';
import type { KernelLowering } from './types';

function normalized(opType: string, attribute: string): KernelLowering {
  return kernel(opType, ['logits'], (graph: LoweringGraph, [logits]: readonly GraphTensor[], attributes) => {
    if (sizeOf(logits.shape) === 0) return graph.fill(0, logits.shape, 'float32');
    const x = cast(graph, logits, 'float32');
    const axis = (attributes[attribute] as number | undefined) ?? -1;
    if (opType === 'LogSoftmax' && graph.provider === 'webgpu') return logSoftmax(graph, x, axis);
    return graph.op(opType, [x], { axis });
  });
}

/** x - max - log Σ exp(x - max): WebGPU has no LogSoftmax. */
function logSoftmax(graph: LoweringGraph, x: GraphTensor, axis: number): GraphTensor {
  const at = axis < 0 ? axis + x.shape.length : axis;
  const shape = x.shape.map((size, i) => (i === at ? 1 : size));
  const over = (opType: string, tensor: GraphTensor): GraphTensor =>
    graph.op(opType, [tensor, graph.int64([at])], { keepdims: 1 }, { shape });
  const below = graph.op('Sub', [x, over('ReduceMax', x)]);
  return graph.op('Sub', [below, graph.op('Log', [over('ReduceSum', graph.op('Exp', [below]))])]);
}

export const softmaxLowerings: readonly KernelLowering[] = [
  normalized('Softmax', 'dim'),
  normalized('LogSoftmax', 'axis'),
];

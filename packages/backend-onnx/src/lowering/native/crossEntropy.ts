import { cast, elementwise } from '../elementwise';
import { nativeDomain } from './types';
import type { NativeLowering } from './types';

export const crossEntropyLowerings: readonly NativeLowering[] = [
  {
    // logits [N,V], labels [N] → loss [], its gradient by the logits [N,V]
    kernelName: 'CrossEntropy',
    inputs: ['logits', 'labels'],
    supports: (_inputs, { reduction, labelSmoothing }) => labelSmoothing === 0 && reduction !== 'none',
    lower(graph, [logits, labels], { ignoreIndex, reduction }) {
      const one = graph.scalar(1, 'float32');
      let weight = one;
      if (reduction === 'mean') {
        const ignored = graph.op(
          'Equal',
          [labels, graph.scalar(ignoreIndex as number, 'int32')],
          {},
          { dtype: 'bool' },
        );
        const counted = cast(graph, graph.op('Not', [ignored]), 'float32');
        const count = graph.op('ReduceSum', [counted], { keepdims: 0 }, { shape: [] });
        weight = elementwise(graph, 'Div', [one, elementwise(graph, 'Max', [count, one])]);
      }
      const attributes = { ignore_index: ignoreIndex as number };
      const [losses, gradient] = graph.ops(
        'SoftmaxCrossEntropy',
        [logits, labels, weight],
        attributes,
        [{ shape: labels.shape, dtype: 'float32' }, logits],
        nativeDomain,
      );
      const total = graph.op('ReduceSum', [losses], { keepdims: 0 }, { shape: [] });
      return [elementwise(graph, 'Mul', [total, weight]), gradient];
    },
  },
  {
    kernelName: 'CrossEntropyGradient',
    inputs: ['gradient', 'logits', 'labels', 'output', 'extra0'],
    supports: () => true,
    lower: (graph, [gradient, , , , slope]) => [
      gradient.uniform === 1 ? slope : elementwise(graph, 'Mul', [slope, gradient]),
    ],
  },
];

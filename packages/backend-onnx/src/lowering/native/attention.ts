import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { GraphTensor, LoweringGraph } from '../../graph/types';
import { transpose } from '../shaping';
import { nativeDomain } from './types';
import type { NativeLowering } from './types';

type Inputs = Readonly<Record<string, TensorInfo | undefined>>;

/** [B,H,T,E] ↔ [B,T,H,E]: the kernels take heads side by side, as projections leave them, so that these cancel out. */
const exchanged = (graph: LoweringGraph, x: GraphTensor): GraphTensor => transpose(graph, x, [0, 2, 1, 3]);

/** Plain causal attention, queries at the end of the keys, without window or soft cap. */
function supports({ query, key, value, bias, offset }: Inputs, attributes: Readonly<Record<string, unknown>>): boolean {
  if (!query || !key || !value || bias || offset || attributes.causal !== true) return false;
  if (attributes.window || attributes.softcap) return false;
  return query.shape[3] % 16 === 0 && value.shape[3] === query.shape[3] && query.shape[2] <= key.shape[2];
}

const scaleOf = (attributes: Readonly<Record<string, unknown>>): { scale: { float: number } } => ({
  scale: { float: attributes.scale as number },
});

export const attentionLowerings: readonly NativeLowering[] = [
  {
    // query [B,H,T,E], key and value [B,K,S,E] → output [B,H,T,E], log sum exp of the scores [B,H,T]
    kernelName: 'Attention',
    inputs: ['query', 'key', 'value'],
    supports,
    lower(graph, operands, attributes) {
      const [query, key, value] = operands.map((x) => exchanged(graph, x));
      const [batch, time, heads] = query.shape;
      const outputs = [query, { shape: [batch, heads, time], dtype: query.dtype }];
      const [output, logSumExp] = graph.ops(
        'CausalAttention',
        [query, key, value],
        scaleOf(attributes),
        outputs,
        nativeDomain,
      );
      return [exchanged(graph, output), logSumExp];
    },
  },
  {
    kernelName: 'AttentionGradient',
    inputs: ['gradient', 'query', 'key', 'value', 'output', 'extra0'],
    supports,
    lower(graph, [gradient, query, key, value, output, logSumExp], attributes) {
      const operands = [gradient, query, key, value, output].map((x) => exchanged(graph, x));
      const [, q, k, v] = operands;
      const gradients = graph.ops(
        'CausalAttentionGrad',
        [...operands, logSumExp],
        scaleOf(attributes),
        [q, k, v],
        nativeDomain,
      );
      return gradients.map((x) => exchanged(graph, x));
    },
  },
];

import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { GraphTensor, LoweringGraph } from '../../graph/types';
import { transpose } from '../shaping';
import { nativeDomain } from './types';
import type { NativeLowering } from './types';

type Inputs = Readonly<Record<string, TensorInfo | undefined>>;
type Attributes = Readonly<Record<string, unknown>>;

/** [B,H,T,E] ↔ [B,T,H,E]: as for causal attention. */
const exchanged = (graph: LoweringGraph, x: GraphTensor): GraphTensor => transpose(graph, x, [0, 2, 1, 3]);

/** The kernel computes sixteen columns at a time. */
function supports({ query, value }: Inputs, { block }: Attributes): boolean {
  return (
    query !== undefined &&
    value !== undefined &&
    (block as number) % 16 === 0 &&
    query.shape[3] % 16 === 0 &&
    value.shape[3] % 16 === 0
  );
}

/** The lists and tiles of a layout as the kernel reads them: [n+1], [pairs], [pairs], [N,b,b] with 0 and −∞. */
function layoutOf(graph: LoweringGraph, attributes: Attributes): GraphTensor[] {
  const { block, starts, keyBlocks, tiles, bits } = attributes as {
    block: number;
    starts: readonly number[];
    keyBlocks: readonly number[];
    tiles: readonly number[];
    bits: readonly number[];
  };
  const area = block * block;
  const words = area / 32;
  const count = bits.length / words;
  const masks = new Float32Array((count + 1) * area); // tile 0 is open
  for (let at = 0; at < count * area; at++) {
    if (((bits[at >>> 5] >>> (at & 31)) & 1) === 0) masks[area + at] = -Infinity;
  }
  const whole = (list: readonly number[]): GraphTensor => graph.constant(Int32Array.from(list), [list.length], 'int32');
  return [whole(starts), whole(keyBlocks), whole(tiles), graph.constant(masks, [count + 1, block, block], 'float32')];
}

const scaleOf = (attributes: Attributes): { scale: { float: number } } => ({
  scale: { float: attributes.scale as number },
});

export const blockAttentionLowerings: readonly NativeLowering[] = [
  {
    // query [B,H,T,E], key [B,K,S,E], value [B,K,S,V], keyBias [B,S]? → output [B,H,T,V], maximum and 1 / sum [B,H,T,2]
    kernelName: 'SparseAttention',
    inputs: ['query', 'key', 'value', 'keyBias'],
    supports,
    lower(graph, [q, k, v, keyBias], attributes) {
      const [query, key, value] = [q, k, v].map((x) => exchanged(graph, x));
      const [batch, time, heads] = query.shape;
      const [output, facts] = graph.ops(
        'BlockAttention',
        [query, key, value, ...layoutOf(graph, attributes), ...(keyBias ? [keyBias] : [])],
        scaleOf(attributes),
        [
          { shape: [batch, time, heads, value.shape[3]], dtype: query.dtype },
          { shape: [batch, heads, time, 2], dtype: query.dtype },
        ],
        nativeDomain,
      );
      return [exchanged(graph, output), facts];
    },
  },
  {
    kernelName: 'SparseAttentionGradient',
    inputs: ['gradient', 'query', 'key', 'value', 'keyBias', 'output', 'extra0'],
    supports,
    lower(graph, [gradient, query, key, value, keyBias, output, facts], attributes) {
      const [d, q, k, v, o] = [gradient, query, key, value, output].map((x) => exchanged(graph, x));
      const gradients = graph.ops(
        'BlockAttentionGrad',
        [d, q, k, v, o, facts, ...layoutOf(graph, attributes), ...(keyBias ? [keyBias] : [])],
        scaleOf(attributes),
        [q, k, v],
        nativeDomain,
      );
      const none = keyBias ? [graph.fill(0, keyBias.shape, 'float32')] : []; // the mask of padding takes no gradient
      return [...gradients.map((x) => exchanged(graph, x)), ...none];
    },
  },
];

import { engine } from '@tensorflow/tfjs-core';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { GraphTensor, LoweringGraph } from '../../graph/types';
import { transpose } from '../shaping';
import { nativeDomain } from './types';
import type { NativeLowering } from './types';

type Inputs = Readonly<Record<string, TensorInfo | undefined>>;

/** [B,H,T,E] ↔ [B,T,H,E]: the kernels take heads side by side, as projections leave them, so that these cancel out. */
const exchanged = (graph: LoweringGraph, x: GraphTensor): GraphTensor => transpose(graph, x, [0, 2, 1, 3]);

/** The kernels walk heads sixteen features at a time, keys and values alike. */
const headsFit = ({ query, key, value }: Inputs): boolean =>
  query !== undefined &&
  key !== undefined &&
  value !== undefined &&
  [query, key].every(({ shape }) => shape.every((size) => size > 0)) &&
  query.shape[3] % 16 === 0 &&
  value.shape[3] === query.shape[3];

/** Causal attention, queries at the end of the keys, or of each query to a span of keys: the forms that have a gradient. */
const isPlain = (
  { query, key, bias, offset, spans }: Inputs,
  { causal, window, softcap }: Readonly<Record<string, unknown>>,
): boolean =>
  !bias &&
  !offset &&
  !window &&
  !softcap &&
  (spans ? causal === false : causal === true && query!.shape[2] <= key!.shape[2]);

/** Whether a gradient may be asked for: then other forms are left to the op's own definition, which keeps its weights. */
const isRecorded = (): boolean => (engine() as unknown as { isTapeOn?: () => boolean }).isTapeOn?.() === true;

function supportsGradient(inputs: Inputs, attributes: Readonly<Record<string, unknown>>): boolean {
  return headsFit(inputs) && isPlain(inputs, attributes);
}

function supports(inputs: Inputs, attributes: Readonly<Record<string, unknown>>): boolean {
  if (!headsFit(inputs)) return false;
  if (isPlain(inputs, attributes)) return true;
  if (isRecorded() || inputs.spans || (inputs.bias && inputs.bias.shape.length > 4)) return false;
  return inputs.offset !== undefined || attributes.causal !== true || inputs.query!.shape[2] <= inputs.key!.shape[2];
}

/** With a bias, or queries that stand in the middle of a cache. Such a cache is read as it lies. */
function maskedAttention(
  graph: LoweringGraph,
  [query, key, value, bias, offset]: readonly (GraphTensor | undefined)[],
  attributes: Readonly<Record<string, unknown>>,
): GraphTensor {
  const q = exchanged(graph, query!);
  const heads = [key!, value!].map((x) => (offset ? x : exchanged(graph, x)));
  const optional = bias ? [offset ?? null, bias] : offset ? [offset] : [];
  const facts = {
    ...scaleOf(attributes),
    heads: query!.shape[1],
    causal: Number(attributes.causal),
    window: Number(attributes.window ?? 0),
    softcap: { float: Number(attributes.softcap ?? 0) },
    cached: Number(offset !== undefined),
  };
  const output = graph.op('MaskedAttention', [q, ...heads, ...optional], facts, { domain: nativeDomain });
  return exchanged(graph, output);
}

const scaleOf = (attributes: Readonly<Record<string, unknown>>): { scale: { float: number } } => ({
  scale: { float: attributes.scale as number },
});

export const attentionLowerings: readonly NativeLowering[] = [
  {
    // query [B,H,T,E], key and value [B,K,S,E], spans int32 [B,T,2]? → output [B,H,T,E], log sum exp of the scores [B,H,T]
    kernelName: 'Attention',
    inputs: ['query', 'key', 'value', 'bias', 'offset', 'spans'],
    supports,
    lower(graph, operands, attributes) {
      const [, , , bias, offset, spans] = operands as readonly (GraphTensor | undefined)[];
      const { causal, window, softcap } = attributes;
      if (!spans && (bias || offset || causal !== true || window || softcap))
        return [maskedAttention(graph, operands, attributes)];
      const [query, key, value] = operands.slice(0, 3).map((x) => exchanged(graph, x));
      const [batch, time, heads] = query.shape;
      const outputs = [query, { shape: [batch, heads, time], dtype: query.dtype }];
      const [output, logSumExp] = graph.ops(
        'CausalAttention',
        [query, key, value, ...(spans ? [spans] : [])],
        scaleOf(attributes),
        outputs,
        nativeDomain,
      );
      return [exchanged(graph, output), logSumExp];
    },
  },
  {
    kernelName: 'AttentionGradient',
    inputs: ['gradient', 'query', 'key', 'value', 'output', 'extra0', 'spans'],
    supports: supportsGradient,
    lower(graph, [gradient, query, key, value, output, logSumExp, ...spans], attributes) {
      const operands = [gradient, query, key, value, output].map((x) => exchanged(graph, x));
      const [, q, k, v] = operands;
      const gradients = graph.ops(
        'CausalAttentionGrad',
        [...operands, logSumExp, ...spans.filter((one) => one !== undefined)],
        scaleOf(attributes),
        [q, k, v],
        nativeDomain,
      );
      return gradients.map((x) => exchanged(graph, x));
    },
  },
];

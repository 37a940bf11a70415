import type { Attribute, GraphTensor, LoweringGraph } from '../../graph/types';
import { kernel } from '../types';
import type { KernelLowering } from '../types';

const domain = 'com.microsoft';

/**
 * Causal attention with a key-value cache of fixed room.
 * query [B,T,H·E], key and value [B,T,K·E], pastKey and pastValue [B,K,S,E], lastPosition [B] int32 (length so far
 * including this call, minus one), totalLength [] int32, cosine and sine [S,E/2]? → [B,T,H·E], presentKey, presentValue
 */
function groupQueryAttention(
  graph: LoweringGraph,
  inputs: readonly GraphTensor[],
  attributes: Readonly<Record<string, unknown>>,
): GraphTensor[] {
  const [query, key, value, pastKey, pastValue, lastPosition, totalLength, cosine, sine] = inputs;
  const { numHeads, numKeyValueHeads, scale, rotaryInterleaved, windowSize, softcap } = attributes as Record<
    string,
    number | boolean | undefined
  >;
  const facts: Record<string, Attribute> = { num_heads: numHeads as number, kv_num_heads: numKeyValueHeads as number };
  if (scale !== undefined) facts.scale = { float: scale as number };
  if (cosine) Object.assign(facts, { do_rotary: 1, rotary_interleaved: Number(Boolean(rotaryInterleaved)) });
  if (windowSize !== undefined) facts.local_window_size = windowSize as number;
  if (softcap !== undefined) facts.softcap = { float: softcap as number };
  const operands = [
    query,
    key,
    value,
    pastKey,
    pastValue,
    lastPosition,
    totalLength,
    ...(cosine ? [cosine, sine] : []),
  ];
  const like = ({ shape, dtype }: GraphTensor): { shape: readonly number[]; dtype: GraphTensor['dtype'] } => ({
    shape,
    dtype,
  });
  return graph.ops('GroupQueryAttention', operands, facts, [query, pastKey, pastValue].map(like), domain);
}

/** x [B,T,D] or [B,H,T,E], positions [B,T] int32, cosine and sine [S,E/2] → like x */
function rotaryEmbedding(
  graph: LoweringGraph,
  [x, positions, cosine, sine]: readonly GraphTensor[],
  attributes: Readonly<Record<string, unknown>>,
): GraphTensor {
  const { interleaved, numHeads, rotaryDim } = attributes as {
    interleaved?: boolean;
    numHeads?: number;
    rotaryDim?: number;
  };
  const facts: Record<string, Attribute> = { interleaved: Number(Boolean(interleaved)) };
  if (numHeads !== undefined) facts.num_heads = numHeads;
  if (rotaryDim !== undefined) facts.rotary_embedding_dim = rotaryDim;
  const at = graph.op('Cast', [positions], { to: 7 }, { dtype: 'int64' });
  return graph.op('RotaryEmbedding', [x, at, cosine, sine], facts, { domain });
}

export const attentionLowerings: readonly KernelLowering[] = [
  {
    kernelName: 'GroupQueryAttention',
    inputs: ['query', 'key', 'value', 'pastKey', 'pastValue', 'lastPosition', 'totalLength', 'cosine', 'sine'],
    lower: groupQueryAttention,
  },
  kernel('RotaryEmbedding', ['x', 'positions', 'cosine', 'sine'], rotaryEmbedding),
];

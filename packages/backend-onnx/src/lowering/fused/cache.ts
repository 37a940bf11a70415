import type { GraphTensor, LoweringGraph } from '../../graph/types';
import { add } from '../arithmetic';
import { compare } from '../comparison';
import { elementwise, reshape, where } from '../elementwise';
import { gather, scatter } from '../indexing';
import { kernel } from '../types';
import type { KernelLowering } from '../types';

/**
 * Rows written into slots length … length + T - 1 of a cache; rows beyond its room are lost.
 * cache [B,K,M,E], rows [B,K,T,E], length [] int32 → [B,K,M,E]
 */
function writeCache(graph: LoweringGraph, [cache, rows, length]: readonly GraphTensor[]): GraphTensor {
  return rows.shape[2] === 1 ? writeRow(graph, cache, rows, length) : writeRows(graph, cache, rows, length);
}

/** One row: a scatter, which touches nothing else where the cache is updated in place. */
function writeRow(graph: LoweringGraph, cache: GraphTensor, row: GraphTensor, length: GraphTensor): GraphTensor {
  const [batch, heads, room, width] = cache.shape;
  const count = batch * heads;
  const last = graph.scalar(room - 1, 'int32');
  const fits = compare(graph, 'LessOrEqual', length, last);
  const slot = elementwise(graph, 'Min', [length, last]);
  const places = Int32Array.from({ length: 3 * count }, (_, i) =>
    i % 3 === 0 ? Math.floor(i / 3 / heads) : i % 3 === 1 ? Math.floor(i / 3) % heads : 0,
  );
  const third = graph.constant([0, 0, 1], [3], 'int32');
  const at = add(graph, graph.constant(places, [count, 3], 'int32'), elementwise(graph, 'Mul', [third, slot])); // [B·K,3]
  const indices = graph.op('Cast', [at], { to: 7 }, { dtype: 'int64' });
  const kept = graph.op('GatherND', [cache, indices], {}, { shape: [count, width] });
  return scatter(graph, cache, indices, where(graph, fits, reshape(graph, row, [count, width]), kept), 'none');
}

/** Many rows: each slot takes its row or keeps what it has. */
function writeRows(graph: LoweringGraph, cache: GraphTensor, rows: GraphTensor, length: GraphTensor): GraphTensor {
  const room = cache.shape[2];
  const time = rows.shape[2];
  const slots = graph.constant(
    Int32Array.from({ length: room }, (_, i) => i),
    [room],
    'int32',
  );
  const zero = graph.scalar(0, 'int32');
  const row = elementwise(graph, 'Sub', [slots, length]); // [M]
  const begun = compare(graph, 'GreaterOrEqual', row, zero);
  const written = elementwise(graph, 'And', [begun, compare(graph, 'Less', row, graph.scalar(time, 'int32'))], {
    dtype: 'bool',
  });
  const place = elementwise(graph, 'Min', [elementwise(graph, 'Max', [row, zero]), graph.scalar(time - 1, 'int32')]);
  return where(graph, reshape(graph, written, [1, 1, room, 1]), gather(graph, rows, place, 2), cache);
}

export const cacheLowerings: readonly KernelLowering[] = [
  kernel('WriteCache', ['cache', 'rows', 'length'], writeCache),
];

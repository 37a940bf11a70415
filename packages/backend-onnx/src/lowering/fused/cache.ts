import type { GraphTensor, LoweringGraph } from '../../graph/types';
import { add } from '../arithmetic';
import { compare } from '../comparison';
import { elementwise, reshape, where } from '../elementwise';
import { gather, scatter } from '../indexing';
import { nativeDomain } from '../native/types';
import { transpose } from '../shaping';
import { kernel } from '../types';
import type { KernelLowering } from '../types';

/**
 * Rows written into slots length … length + T - 1 of a cache; rows beyond its room are lost.
 * cache [B,K,M,E], rows [B,K,T,E], length [] int32 → [B,K,M,E]
 */
function writeCache(graph: LoweringGraph, [cache, rows, length]: readonly GraphTensor[]): GraphTensor {
  if (graph.native && [...cache.shape, ...rows.shape].every((size) => size > 0)) {
    const lying = transpose(graph, rows, [0, 2, 1, 3]); // [B,T,K,E], as projections leave them
    return graph.op('WriteCache', [cache, lying, length], {}, { domain: nativeDomain });
  }
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
  const { row, written } = slotsOf(graph, cache.shape[2], rows.shape[2], length);
  const last = graph.scalar(rows.shape[2] - 1, 'int32');
  const place = elementwise(graph, 'Min', [elementwise(graph, 'Max', [row, graph.scalar(0, 'int32')]), last]);
  return where(graph, written, gather(graph, rows, place, 2), cache);
}

/** Which row belongs in each of M slots [M], and whether there is such a row [1,1,M,1]. */
function slotsOf(
  graph: LoweringGraph,
  room: number,
  time: number,
  length: GraphTensor,
): { row: GraphTensor; written: GraphTensor } {
  const slots = graph.constant(
    Int32Array.from({ length: room }, (_, i) => i),
    [room],
    'int32',
  );
  const row = elementwise(graph, 'Sub', [slots, length]);
  const begun = compare(graph, 'GreaterOrEqual', row, graph.scalar(0, 'int32'));
  const written = elementwise(graph, 'And', [begun, compare(graph, 'Less', row, graph.scalar(time, 'int32'))], {
    dtype: 'bool',
  });
  return { row, written: reshape(graph, written, [1, 1, room, 1]) };
}

/** The gradient goes to the rows where they were written, to the cache elsewhere, and to lost rows not at all. */
function writeCacheGradient(graph: LoweringGraph, [gradient, , rows, length]: readonly GraphTensor[]): GraphTensor[] {
  const room = gradient.shape[2];
  const time = rows.shape[2];
  const zero = graph.scalar(0, 'float32');
  const steps = graph.constant(
    Int32Array.from({ length: time }, (_, i) => i),
    [time],
    'int32',
  );
  const slot = elementwise(graph, 'Add', [steps, length]); // [T]
  const last = graph.scalar(room - 1, 'int32');
  const fits = reshape(graph, compare(graph, 'LessOrEqual', slot, last), [1, 1, time, 1]);
  const taken = gather(graph, gradient, elementwise(graph, 'Min', [slot, last]), 2);
  return [where(graph, slotsOf(graph, room, time, length).written, zero, gradient), where(graph, fits, taken, zero)];
}

export const cacheLowerings: readonly KernelLowering[] = [
  kernel('WriteCache', ['cache', 'rows', 'length'], writeCache),
  { kernelName: 'WriteCacheGradient', inputs: ['gradient', 'cache', 'rows', 'length'], lower: writeCacheGradient },
];

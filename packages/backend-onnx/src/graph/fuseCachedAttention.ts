import type { NodeList } from './nodeList';
import type { GraphNode } from './types';

/** What becomes part of an attention over a cache. */
interface Parts {
  readonly keys: GraphNode;
  readonly values: GraphNode;
  /** The rotations of queries and keys, where both have the same angles. */
  readonly turned?: { readonly query: GraphNode; readonly key: GraphNode } | undefined;
}

/**
 * Attention over a cache that the same step writes: `MaskedAttention(Rotary(q), WriteCache(keys, Rotary(k)),
 * WriteCache(values, v))` becomes one node, which gives the caches too.
 */
export function fuseCachedAttention(list: NodeList): GraphNode[] {
  const gone = new Set<GraphNode>();
  const nodes = list.nodes.map((node): GraphNode => {
    const parts = partsOf(list, node);
    if (!parts) return node;
    const { keys, values, turned } = parts;
    for (const part of [keys, values, ...(turned ? [turned.query, turned.key] : [])]) gone.add(part);
    const [query, , , offset, bias] = node.inputs;
    const [, cos, sin] = turned?.query.inputs ?? ['', '', ''];
    const rows = [
      turned ? turned.query.inputs[0] : query,
      turned ? turned.key.inputs[0] : keys.inputs[1],
      values.inputs[1],
    ].map((name) => list.source(name));
    const inputs = [...rows, keys.inputs[0], values.inputs[0], offset, cos, sin, bias ?? ''];
    while (inputs.at(-1) === '') inputs.pop();
    const outputs = [node.outputs[0], keys.outputs[0], values.outputs[0]];
    return { ...node, opType: 'CachedAttention', inputs, outputs };
  });
  return nodes.filter((node) => !gone.has(node));
}

function partsOf(list: NodeList, node: GraphNode): Parts | undefined {
  if (node.opType !== 'MaskedAttention' || node.attributes.cached !== 1) return undefined;
  const [query, key, value, offset] = node.inputs;
  const [keys, values] = [key, value].map((name) => list.producer(name));
  const written = [keys, values].every(
    (write) =>
      write?.opType === 'WriteCache' && write.inputs[2] === offset && list.isReadOnlyBy(write.outputs[0], node),
  );
  if (!written || keys === values) return undefined;
  const turned = { query: list.producer(list.source(query))!, key: list.producer(list.source(keys!.inputs[1]))! };
  const fits =
    [turned.query, turned.key].every((turn) => turn?.opType === 'Rotary') &&
    turned.query !== turned.key &&
    turned.query.inputs[1] === turned.key.inputs[1] &&
    turned.query.inputs[2] === turned.key.inputs[2] &&
    list.isReadBy(turned.query.outputs[0], node) &&
    list.isReadBy(turned.key.outputs[0], keys!);
  return { keys: keys!, values: values!, turned: fits ? turned : undefined };
}

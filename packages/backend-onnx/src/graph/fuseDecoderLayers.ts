import type { NodeList } from './nodeList';
import type { GraphNode } from './types';

/** The nodes of a layer: projections, attention, its output, the gated unit, and what leads back. */
interface Layer {
  readonly projections: GraphNode;
  readonly attention: GraphNode;
  readonly out: GraphNode;
  readonly gated: GraphNode;
  readonly down: GraphNode;
}

/**
 * A layer of Llama's form for a few rows becomes one node, in the place of its last:
 * `y = x + CachedAttention(FewRowsProducts(x)) · out`, `y + FewRowsGated(y) · down`. Nodes that nothing reads must be gone.
 */
export function fuseDecoderLayers(list: NodeList): GraphNode[] {
  const gone = new Set<GraphNode>();
  const nodes = list.nodes.map((node): GraphNode => {
    const layer = layerOf(list, node);
    if (!layer) return node;
    const { projections, attention, out, gated, down } = layer;
    for (const part of [projections, attention, out, gated]) gone.add(part);
    const [, query, key, value, queryBias = '', keyBias = '', valueBias = '', norm] = projections.inputs;
    const [, gate, up, secondNorm] = gated.inputs;
    const [, , , keys, values, length, cos = '', sin = '', bias = ''] = attention.inputs;
    const weights = [norm, query, key, value, out.inputs[1], secondNorm, gate, up, down.inputs[1]];
    const cache = [keys, values, length, cos, sin, bias];
    const inputs = [out.inputs[2], ...weights, ...cache, queryBias, keyBias, valueBias];
    while (inputs.at(-1) === '') inputs.pop();
    return {
      ...attention,
      opType: 'DecoderLayer',
      inputs,
      outputs: [down.outputs[0], attention.outputs[1], attention.outputs[2]],
      attributes: { ...attention.attributes, epsilon: projections.attributes.epsilon },
    };
  });
  return nodes.filter((node) => !gone.has(node));
}

/** The layer that ends with a node. */
function layerOf(list: NodeList, down: GraphNode): Layer | undefined {
  if (!addsToRows(list, down)) return undefined;
  const gated = madeBy(list, down.inputs[0], 'FewRowsGated');
  const out = list.producer(down.inputs[2]);
  if (!gated || !out || !addsToRows(list, out) || list.source(gated.inputs[0]) !== out.outputs[0]) return undefined;
  const attention = madeBy(list, out.inputs[0], 'CachedAttention');
  const projections = attention && madeBy(list, attention.inputs[0], 'FewRowsProducts');
  if (!projections) return undefined;
  const norms = [projections.inputs[7], gated.inputs[3]];
  const readers = list.readers(out.outputs[0]);
  const fits =
    norms.every((norm) => norm !== undefined && norm !== '') &&
    JSON.stringify(projections.attributes.epsilon) === JSON.stringify(gated.attributes.epsilon) &&
    list.source(projections.inputs[0]) === list.source(out.inputs[2]) &&
    [0, 1, 2].every((i) => list.source(attention.inputs[i]) === projections.outputs[i]) &&
    projections.outputs.every((output) => list.isReadBy(output, attention)) &&
    list.isReadBy(attention.outputs[0], out) &&
    readers?.every((reader) => reader === gated || reader === down) === true &&
    list.isReadBy(gated.outputs[0], down);
  return fits ? { projections, attention, out, gated, down } : undefined;
}

/** Whether a node is a product, without a norm, with a matrix that lies transposed, to which rows are added. */
function addsToRows(list: NodeList, node: GraphNode): boolean {
  const { opType, inputs, outputs, attributes } = node;
  if (opType !== 'MatrixProduct' || inputs.length !== 3 || attributes.transA === 1 || attributes.transB !== 1)
    return false;
  return list.size(inputs[2]) === list.size(outputs[0]) && list.tensor(inputs[2]).shape.length > 2;
}

function madeBy(list: NodeList, name: string, opType: string): GraphNode | undefined {
  const node = list.producer(list.source(name));
  return node?.opType === opType ? node : undefined;
}

import { elementCodes } from './elementCodes';
import type { NodeList } from './nodeList';
import type { GraphNode } from './types';

const products = new Set(['MatMul', 'Gemm']);

/** Nodes that move the elements of their first input and leave them as they are. */
const moving = new Set(['Reshape', 'Transpose', 'Identity', 'Slice', 'Split', 'Gather', 'Squeeze', 'Unsqueeze']);

/**
 * Computes products in float16 where everything that they multiply was rounded to float16 before: the casts back to
 * float32 move from their inputs to their results, so that a device with half-precision arithmetic uses it and reads half
 * as many bytes. What such a device loses is the float32 sum inside a product.
 */
export function narrowProducts(list: NodeList): readonly GraphNode[] {
  const narrow = new Map<string, string | undefined>();
  const added = new Map<GraphNode, GraphNode>();
  const declare = (name: string): string => list.builder.declare({ ...list.tensor(name), dtype: 'float16' });

  /** The same elements in float16, where there are such; a node that moves them is made once more. */
  const narrowed = (name: string): string | undefined => {
    if (!narrow.has(name)) narrow.set(name, find(name));
    return narrow.get(name);
  };
  const find = (name: string): string | undefined => {
    const node = list.producer(name);
    if (node === undefined) return undefined;
    const [from, ...others] = node.inputs;
    if (node.opType === 'Cast') return castTo(list.producer(from), 'float16') ? from : undefined;
    if (!moving.has(node.opType)) return undefined;
    const source = narrowed(from);
    if (source === undefined) return undefined;
    const moved = added.get(node) ?? { ...node, inputs: [source, ...others], outputs: node.outputs.map(declare) };
    added.set(node, moved);
    return moved.outputs[node.outputs.indexOf(name)];
  };

  const nodes = list.nodes.flatMap((node): GraphNode[] => {
    if (!products.has(node.opType) || node.inputs.length !== 2) return [node];
    const inputs = node.inputs.map(narrowed);
    if (!inputs.every((input) => input !== undefined)) return [node];
    const [name] = node.outputs;
    const result = declare(name);
    const back = { opType: 'Cast', domain: '', inputs: [result], outputs: [name] };
    return [
      { ...node, inputs, outputs: [result] },
      { ...back, attributes: { to: elementCodes.float32 } },
    ];
  });
  return nodes.flatMap((node) => {
    const moved = added.get(node);
    return moved ? [node, moved] : [node];
  });
}

const castTo = (node: GraphNode | undefined, type: 'float16'): boolean =>
  node?.opType === 'Cast' && node.attributes.to === elementCodes[type];

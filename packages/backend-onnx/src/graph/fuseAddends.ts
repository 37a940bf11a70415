import type { FinishedGraph } from './finishGraph';
import type { GraphBuilder } from './graphBuilder';
import { sameShape } from './shape';
import type { GraphNode } from './types';

/**
 * Turns `Add(MatrixProduct(a, b), c)` into `MatrixProduct(a, b, c)` where nothing else reads the product and c has its
 * shape: the sum is then made in the pass that writes the product. This is how gradients accumulate without a pass.
 */
export function fuseAddends(builder: GraphBuilder, graph: FinishedGraph): FinishedGraph {
  const products = new Map<string, GraphNode>();
  for (const node of graph.nodes)
    if (node.opType === 'MatrixProduct' && node.inputs.length === 2) products.set(node.outputs[0], node);
  if (products.size === 0) return graph;
  const readers = new Map<string, number>();
  for (const { inputs } of graph.nodes) for (const input of inputs) readers.set(input, (readers.get(input) ?? 0) + 1);
  for (const { name } of graph.outputs) readers.set(name, (readers.get(name) ?? 0) + 1);
  const gone = new Set<GraphNode>();
  const nodes = graph.nodes.map((node): GraphNode => {
    if (node.opType !== 'Add') return node;
    const side = node.inputs.findIndex((input) => products.has(input) && readers.get(input) === 1);
    if (side < 0 || node.inputs[0] === node.inputs[1]) return node;
    const [product, addend] = [products.get(node.inputs[side])!, node.inputs[1 - side]];
    if (!sameShape(builder.tensor(node.inputs[side]).shape, builder.tensor(addend).shape)) return node;
    gone.add(product);
    return { ...product, inputs: [...product.inputs, addend], outputs: node.outputs };
  });
  return { ...graph, nodes: nodes.filter((node) => !gone.has(node)) };
}

import { fuseCachedAttention } from './fuseCachedAttention';
import { fuseFewRows } from './fuseFewRows';
import { NodeList } from './nodeList';
import { sameShape } from './shape';
import type { GraphNode } from './types';

/** Inputs whose shape our kernels do not look at: what they need of it they know from attributes and other inputs. */
const shapeless: Readonly<Record<string, readonly number[]>> = {
  MatrixProduct: [0],
  FewRowsProducts: [0],
  FewRowsGated: [0],
  Rotary: [0],
  WriteCache: [1],
  MaskedAttention: [0],
};

/** What our own kernels can do in one node. Takes and gives all nodes of the graph; some may be of no use any more. */
export function fuseNative(list: NodeList): readonly GraphNode[] {
  const again = (nodes: readonly GraphNode[]): NodeList => new NodeList(list.builder, nodes, list.outputs);
  const added = again(fuseAddends(again(skipReshapes(list))));
  const attending = again(fuseCachedAttention(added));
  return skipReshapes(again(fuseFewRows(attending)));
}

/** Lets kernels read past a reshape, where they do not look at the shape. */
function skipReshapes(list: NodeList): GraphNode[] {
  return list.nodes.map((node) => {
    const free = shapeless[node.opType];
    if (!free) return node;
    return { ...node, inputs: node.inputs.map((name, i) => (free.includes(i) ? list.source(name) : name)) };
  });
}

/**
 * Turns `Add(MatrixProduct(a, b), c)` into `MatrixProduct(a, b, c)` where nothing else reads the product and c has the
 * sum's shape: the sum is then made in the pass that writes the product. So gradients accumulate without a pass of their
 * own, and so do residual streams.
 */
function fuseAddends(list: NodeList): GraphNode[] {
  const gone = new Set<GraphNode>();
  const nodes = list.nodes.map((node): GraphNode => {
    if (node.opType !== 'Add' || node.inputs[0] === node.inputs[1]) return node;
    const shape = list.tensor(node.outputs[0]).shape;
    const side = node.inputs.findIndex((input, i) => {
      const product = list.producer(list.source(input));
      const addend = list.tensor(node.inputs[1 - i]).shape;
      return (
        product?.opType === 'MatrixProduct' &&
        product.inputs.length === 2 &&
        list.isReadBy(product.outputs[0], node) &&
        shape.length >= 2 &&
        sameShape(addend, shape) &&
        list.size(product.outputs[0]) === list.size(node.outputs[0]) &&
        (shape.length > 2 || sameShape(list.tensor(product.outputs[0]).shape, shape))
      );
    });
    if (side < 0) return node;
    const product = list.producer(list.source(node.inputs[side]))!;
    gone.add(product);
    return { ...product, inputs: [...product.inputs, node.inputs[1 - side]], outputs: node.outputs };
  });
  return nodes.filter((node) => !gone.has(node));
}

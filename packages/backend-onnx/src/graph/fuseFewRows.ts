import { NodeList } from './nodeList';
import type { GraphNode } from './types';

/** Up to so many rows (a step of decoding) a product is a pass over its matrix, and its kernel does more on the way. */
const fewRows = 8;

const domain = 'tesserae';

/** Products of few rows take the norm before them along; those of the same rows become one node. */
export function fuseFewRows(list: NodeList): readonly GraphNode[] {
  if (!list.nodes.some((node) => isFew(list, node))) return list.nodes;
  const normed = new NodeList(list.builder, fuseNorms(list), list.outputs);
  const gated = new NodeList(list.builder, fuseGates(normed), list.outputs);
  return fuseTriples(gated);
}

function isFew(list: NodeList, node: GraphNode): boolean {
  if (node.opType !== 'MatrixProduct' || node.attributes.transA === 1) return false;
  const matrix = list.tensor(node.inputs[1]).shape;
  return list.size(node.outputs[0]) <= fewRows * matrix[node.attributes.transB === 1 ? 0 : 1];
}

/** `MatrixProduct(RmsNorm(x), b)` becomes a product of x that knows the norm, where no other kind of node reads the norm. */
function fuseNorms(list: NodeList): GraphNode[] {
  return list.nodes.map((node) => {
    if (!isFew(list, node) || node.inputs.length > 3) return node;
    const norm = list.producer(list.source(node.inputs[0]));
    if (norm?.opType !== 'SimplifiedLayerNormalization' || norm.inputs.length !== 2) return node;
    const [scale] = list.tensor(norm.inputs[1]).shape;
    const alone =
      list.readers(norm.outputs[0])?.every((reader) => isFew(list, reader) && reader.inputs.length <= 3) === true &&
      norm.outputs.slice(1).every((output) => list.readers(output)?.length === 0);
    if (!alone || scale % 8 !== 0 || list.tensor(norm.outputs[0]).shape.at(-1) !== scale) return node;
    const [, matrix, addend = ''] = node.inputs;
    const inputs = [list.source(norm.inputs[0]), matrix, addend, norm.inputs[1]];
    return { ...node, inputs, attributes: { ...node.attributes, epsilon: norm.attributes.epsilon } };
  });
}

/** What products must have in common to be one node: the rows, their norm, and a matrix that lies transposed. */
function rowsOf(list: NodeList, node: GraphNode | undefined): string | undefined {
  if (!node || !isFew(list, node) || node.attributes.transB !== 1) return undefined;
  return `${list.source(node.inputs[0])} ${node.inputs[3] ?? ''} ${JSON.stringify(node.attributes)}`;
}

/** `SwiGlu(x · gate, x · up)` becomes one node. */
function fuseGates(list: NodeList): GraphNode[] {
  return list.nodes.flatMap((node): GraphNode[] => {
    if (node.opType !== 'SwiGlu') return [node];
    const [gate, up] = node.inputs.map((name) => list.producer(list.source(name)));
    const rows = rowsOf(list, gate);
    if (!gate || !up || gate === up || rows === undefined || rowsOf(list, up) !== rows) return [node];
    const fits = [gate, up].every((product) => !product.inputs[2] && list.isReadBy(product.outputs[0], node));
    if (!fits) return [node];
    const { name, shape } = list.tensor(node.outputs[0]);
    const inputs = [gate.inputs[0], gate.inputs[1], up.inputs[1], ...gate.inputs.slice(3)];
    const result = list.builder.declare(list.tensor(gate.outputs[0]));
    return [
      { opType: 'FewRowsGated', domain, inputs, outputs: [result], attributes: gate.attributes },
      {
        opType: 'Reshape',
        domain: '',
        inputs: [result, list.builder.int64(shape).name],
        outputs: [name],
        attributes: {},
      },
    ];
  });
}

/** Three products of the same rows, such as queries, keys and values, become one node in the place of the first. */
function fuseTriples(list: NodeList): GraphNode[] {
  const groups = new Map<string, GraphNode[]>();
  for (const node of list.nodes) {
    const rows = rowsOf(list, node);
    if (rows === undefined || list.readers(node.outputs[0])?.length === 0) continue;
    const [, , bias] = node.inputs;
    if (bias && list.tensor(bias).shape.length !== 1) continue; // a matrix is added
    groups.set(rows, [...(groups.get(rows) ?? []), node]);
  }
  const gone = new Set<GraphNode>();
  const made = new Map<GraphNode, GraphNode>();
  for (const group of groups.values()) {
    if (group.length !== 3) continue;
    const first = list.placeOf(group[0].outputs[0]);
    if (!group.every(({ inputs }) => inputs.every((name) => list.placeOf(name) < first))) continue;
    const [rows, , , norm] = group[0].inputs;
    const biases = group.map(({ inputs }) => inputs[2] ?? '');
    const inputs = [rows, ...group.map((node) => node.inputs[1]), ...biases, ...(norm ? [norm] : [])];
    while (inputs.at(-1) === '') inputs.pop();
    const outputs = group.map((node) => node.outputs[0]);
    made.set(group[0], { opType: 'FewRowsProducts', domain, inputs, outputs, attributes: group[0].attributes });
    for (const node of group.slice(1)) gone.add(node);
  }
  return list.nodes.filter((node) => !gone.has(node)).map((node) => made.get(node) ?? node);
}

import type { GraphBuilder } from './graphBuilder';
import { fuseAddends } from './fuseAddends';
import type { CapturedInput, GraphConstant, GraphNode, GraphTensor } from './types';

/** A graph with nothing superfluous in it, ready to be written. */
export interface FinishedGraph {
  readonly nodes: readonly GraphNode[];
  /** The declared inputs; those that nothing reads are left out of the model. */
  readonly inputs: readonly (GraphTensor & { readonly used: boolean })[];
  readonly outputs: readonly GraphTensor[];
  readonly constants: readonly GraphConstant[];
  readonly captured: readonly CapturedInput[];
}

/**
 * Keeps what the outputs need. An output that is an input, a constant, or named twice gets an Identity node of its own,
 * so that every output of the model is the one output of one node.
 */
export function finishGraph(graph: GraphBuilder, outputs: readonly GraphTensor[]): FinishedGraph {
  return fuseAddends(graph, finish(graph, outputs));
}

function finish(graph: GraphBuilder, outputs: readonly GraphTensor[]): FinishedGraph {
  const taken = new Set<string>();
  const own = outputs.map((output, i) => {
    if (!taken.has(output.name) && graph.producer(output)) {
      taken.add(output.name);
      return output;
    }
    const name = `o${i}`;
    graph.nodes.push({ opType: 'Identity', domain: '', inputs: [output.name], outputs: [name], attributes: {} });
    return { name, shape: output.shape, dtype: output.dtype };
  });
  const needed = new Set(own.map(({ name }) => name));
  const nodes: GraphNode[] = [];
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i];
    if (!node.outputs.some((output) => needed.has(output))) continue;
    nodes.push(node);
    for (const input of node.inputs) needed.add(input);
  }
  nodes.reverse();
  return {
    nodes,
    inputs: graph.inputs.map((input) => ({ ...input, used: needed.has(input.name) })),
    outputs: own,
    constants: [...graph.constants.values()].filter(({ tensor }) => needed.has(tensor.name)),
    captured: graph.captured.filter(({ tensor }) => needed.has(tensor.name)),
  };
}

import type { GraphBuilder } from './graphBuilder';
import { fuseDecoderLayers } from './fuseDecoderLayers';
import { fuseNative } from './fuseNative';
import { narrowProducts } from './narrowProducts';
import { NodeList } from './nodeList';
import { sizeOf } from './shape';
import type { CapturedInput, GraphConstant, GraphNode, GraphTensor } from './types';

/** A graph with nothing superfluous in it, ready to be written. */
export interface FinishedGraph {
  readonly nodes: readonly GraphNode[];
  /** The declared inputs; those that nothing reads are left out of the model. */
  readonly inputs: readonly (GraphTensor & { readonly used: boolean })[];
  readonly outputs: readonly GraphTensor[];
  readonly constants: readonly GraphConstant[];
  readonly captured: readonly CapturedInput[];
  /** Elements of all that nodes make beside the outputs, as if nothing were freed. */
  readonly madeElements: number;
}

/**
 * Keeps what the outputs need. An output that is an input, a constant, or named twice gets an Identity node of its own,
 * so that every output of the model is the one output of one node.
 */
export function finishGraph(graph: GraphBuilder, outputs: readonly GraphTensor[]): FinishedGraph {
  const own = ownOutputs(graph, outputs);
  const names = new Set(own.map(({ name }) => name));
  const needed = prune(graph.nodes, names);
  const nodes = prune(rewrite(graph, needed, names), names);
  const used = new Set([...names, ...nodes.flatMap(({ inputs }) => inputs)]);
  return {
    nodes,
    inputs: graph.inputs.map((input) => ({ ...input, used: used.has(input.name) })),
    outputs: own,
    constants: [...graph.constants.values()].filter(({ tensor }) => used.has(tensor.name)),
    captured: graph.captured.filter(({ tensor }) => used.has(tensor.name)),
    madeElements: nodes.reduce((sum, node) => sum + elementsMade(graph, node, names), 0),
  };
}

/** The nodes as this provider computes them best; some may be of no use any more. */
function rewrite(graph: GraphBuilder, nodes: readonly GraphNode[], names: ReadonlySet<string>): readonly GraphNode[] {
  if (graph.native) {
    const fused = prune(fuseNative(new NodeList(graph, nodes, names)), names);
    return fuseDecoderLayers(new NodeList(graph, fused, names));
  }
  return graph.halfProducts ? narrowProducts(new NodeList(graph, nodes, names)) : nodes;
}

/** Elements of a node's outputs that are no results; another shape of the same memory makes none. */
function elementsMade(graph: GraphBuilder, { opType, outputs }: GraphNode, results: ReadonlySet<string>): number {
  const made = opType === 'Reshape' ? [] : outputs.filter((name) => name !== '' && !results.has(name));
  return made.reduce((sum, name) => sum + sizeOf(graph.tensor(name).shape), 0);
}

/** Gives every result a name of its own that a node makes. */
function ownOutputs(graph: GraphBuilder, outputs: readonly GraphTensor[]): GraphTensor[] {
  const taken = new Set<string>();
  return outputs.map((output, i) => {
    if (!taken.has(output.name) && graph.producer(output)) {
      taken.add(output.name);
      return output;
    }
    const name = `o${i}`;
    graph.nodes.push({ opType: 'Identity', domain: '', inputs: [output.name], outputs: [name], attributes: {} });
    return { name, shape: output.shape, dtype: output.dtype };
  });
}

/** The nodes that the results need, in their order. */
function prune(all: readonly GraphNode[], results: ReadonlySet<string>): GraphNode[] {
  const needed = new Set(results);
  const nodes: GraphNode[] = [];
  for (let i = all.length - 1; i >= 0; i--) {
    const node = all[i];
    if (!node.outputs.some((output) => needed.has(output))) continue;
    nodes.push(node);
    for (const input of node.inputs) needed.add(input);
  }
  return nodes.reverse();
}

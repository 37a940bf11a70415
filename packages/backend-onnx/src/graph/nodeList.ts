import type { GraphBuilder } from './graphBuilder';
import { sizeOf } from './shape';
import type { GraphNode, GraphTensor } from './types';

/** The nodes of a graph while they are rewritten: who makes and who reads what. Made anew after each rewriting. */
export class NodeList {
  readonly #producers = new Map<string, number>();
  readonly #readers = new Map<string, GraphNode[]>();

  constructor(
    readonly builder: GraphBuilder,
    readonly nodes: readonly GraphNode[],
    readonly outputs: ReadonlySet<string>,
  ) {
    nodes.forEach((node, index) => {
      for (const name of node.outputs) this.#producers.set(name, index);
      for (const name of new Set(node.inputs)) {
        const readers = this.#readers.get(name);
        if (readers) readers.push(node);
        else this.#readers.set(name, [node]);
      }
    });
  }

  tensor(name: string): GraphTensor {
    return this.builder.tensor(name);
  }

  /** Where the node stands that makes a tensor; -1 for inputs and constants. */
  placeOf(name: string): number {
    return this.#producers.get(name) ?? -1;
  }

  producer(name: string): GraphNode | undefined {
    return this.nodes[this.placeOf(name)];
  }

  /** The tensor whose elements this one shows in another shape. */
  source(name: string): string {
    const node = this.producer(name);
    return node?.opType === 'Reshape' ? this.source(node.inputs[0]) : name;
  }

  /** The nodes that read a tensor, in whatever shape; undefined where it is a result of the graph as well. */
  readers(name: string): GraphNode[] | undefined {
    if (this.outputs.has(name)) return undefined;
    const found: GraphNode[] = [];
    for (const node of this.#readers.get(name) ?? []) {
      const further = node.opType === 'Reshape' && node.inputs[0] === name ? this.readers(node.outputs[0]) : [node];
      if (!further) return undefined;
      found.push(...further);
    }
    return found;
  }

  /** Whether that node alone reads the tensor. */
  isReadBy(name: string, node: GraphNode): boolean {
    return this.readers(name)?.every((reader) => reader === node) ?? false;
  }

  /** Whether no other node reads the tensor; it may be a result of the graph. */
  isReadOnlyBy(name: string, node: GraphNode): boolean {
    return (this.#readers.get(name) ?? []).every((reader) => reader === node);
  }

  /** Elements of a tensor. */
  size(name: string): number {
    return sizeOf(this.tensor(name).shape);
  }
}

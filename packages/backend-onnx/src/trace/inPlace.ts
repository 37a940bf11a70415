import type { FinishedGraph } from '../graph/finishGraph';
import { sameShape } from '../graph/shape';
import type { GraphNode } from '../graph/types';

/**
 * Operators that read and write element by element, so that output and input may be one memory. None of them takes part
 * in a fusion of ONNX Runtime whose kernel uses its output as scratch (as those of GELU do) unless another kind of node
 * is part of it too.
 */
const plain = new Set(['Add', 'Sub', 'Mul', 'Div', 'Neg', 'Sqrt', 'Reciprocal', 'Where', 'Identity']);

/** Operators whose kernels are written to update an input in place: operator → [input, output] pairs. */
const updating: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
  ScatterND: [[0, 0]],
  WriteCache: [[0, 0]],
  CachedAttention: [
    [3, 1],
    [4, 2],
  ],
  DecoderLayer: [
    [10, 1],
    [11, 2],
  ],
  MatrixProduct: [[2, 0]],
  AdamWUpdate: [
    [0, 0],
    [2, 1],
    [3, 2],
  ],
  GroupQueryAttention: [
    [3, 1],
    [4, 2],
  ],
};

/** Operators whose result may be the same memory as their first input. */
const views = new Set(['Reshape', 'Identity', 'Squeeze', 'Unsqueeze', 'Flatten']);

/**
 * No fusion of ONNX Runtime reaches over more nodes than this. A node that reads the input otherwise than element by
 * element, but nearer than this to the node that overwrites it, might become part of the same kernel.
 */
const fusionReach = 8;

/** An output that may be written over an input. */
export interface InPlacePair {
  readonly output: number;
  readonly input: number;
}

/**
 * Finds outputs that can be written over donated inputs without anybody noticing.
 *
 * Output and input must have one shape and type, and every node that reads the input (directly, or through a reshape)
 * must be the node P that makes the output, which then must read and write element by element or be made for updating in
 * place, or an ancestor of P: whatever order the nodes run in, ancestors run before P. Ancestors must in addition either
 * be tied to P by plain arithmetic alone or be further from it than any fusion reaches.
 */
export function planInPlace(graph: FinishedGraph, donated: readonly boolean[]): InPlacePair[] {
  if (!donated.some(Boolean)) return [];
  const facts = new GraphFacts(graph);
  const candidates = graph.outputs.map((output, index) => {
    const producer = facts.producers.get(output.name)!;
    const fits = graph.inputs.flatMap((input, at) =>
      donated[at] &&
      input.used &&
      input.dtype === output.dtype &&
      sameShape(input.shape, output.shape) &&
      facts.canOverwrite(input.name, output.name, producer)
        ? [at]
        : [],
    );
    return { index, fits };
  });
  return match(candidates);
}

class GraphFacts {
  readonly producers = new Map<string, number>();
  readonly #readers = new Map<string, number[]>();
  readonly #ancestors: Uint32Array[] = [];
  readonly #nodes: readonly GraphNode[];
  readonly #near = new Map<number, { plain: Set<number>; reach: Set<number> }>();

  constructor(graph: FinishedGraph) {
    this.#nodes = graph.nodes;
    const words = Math.ceil(graph.nodes.length / 32);
    graph.nodes.forEach((node, index) => {
      const set = new Uint32Array(words);
      for (const name of node.inputs) {
        const readers = this.#readers.get(name);
        if (readers) readers.push(index);
        else this.#readers.set(name, [index]);
        const from = this.producers.get(name);
        if (from === undefined) continue;
        const theirs = this.#ancestors[from];
        for (let w = 0; w < words; w++) set[w] |= theirs[w];
        set[from >> 5] |= 1 << (from & 31);
      }
      for (const name of node.outputs) this.producers.set(name, index);
      this.#ancestors.push(set);
    });
  }

  canOverwrite(input: string, output: string, producer: number): boolean {
    const node = this.#nodes[producer];
    const update = updating[node.opType]?.find(([, to]) => node.outputs[to] === output);
    if (update ? node.inputs[update[0]] !== input : !plain.has(node.opType)) return false;
    const near = this.#surroundings(producer);
    const readers = this.#readersThroughViews(input);
    // What updates in place writes before it has read the rest of its inputs.
    if (update && readers.filter((reader) => reader === producer).length > 1) return false;
    return readers.every((reader) => {
      if (reader === producer) return true;
      if ((this.#ancestors[producer][reader >> 5] & (1 << (reader & 31))) === 0) return false;
      return update !== undefined || near.plain.has(reader) || !near.reach.has(reader);
    });
  }

  /** The ancestors that hang on a node by plain arithmetic alone, and all those within the reach of a fusion. */
  #surroundings(producer: number): { plain: Set<number>; reach: Set<number> } {
    const known = this.#near.get(producer);
    if (known) return known;
    const inputsOf = (index: number): number[] =>
      this.#nodes[index].inputs.flatMap((name) => this.producers.get(name) ?? []);
    const arithmetic = new Set<number>([producer]);
    for (const index of arithmetic)
      for (const from of inputsOf(index)) if (plain.has(this.#nodes[from].opType)) arithmetic.add(from);
    const reach = new Set<number>([producer]);
    let edge = [producer];
    for (let step = 0; step < fusionReach; step++) {
      edge = edge.flatMap(inputsOf).filter((index) => !reach.has(index) && reach.add(index));
    }
    const found = { plain: arithmetic, reach };
    this.#near.set(producer, found);
    return found;
  }

  #readersThroughViews(name: string): number[] {
    const direct = this.#readers.get(name) ?? [];
    return direct.flatMap((reader) => {
      const node = this.#nodes[reader];
      return views.has(node.opType)
        ? [reader, ...node.outputs.flatMap((output) => this.#readersThroughViews(output))]
        : [reader];
    });
  }
}

/** Pairs as many outputs as possible with inputs, each input once (augmenting paths). */
function match(candidates: readonly { index: number; fits: readonly number[] }[]): InPlacePair[] {
  const taken = new Map<number, number>(); // input → place in candidates
  const place = (at: number, seen: Set<number>): boolean => {
    for (const input of candidates[at].fits) {
      if (seen.has(input)) continue;
      seen.add(input);
      const holder = taken.get(input);
      if (holder === undefined || place(holder, seen)) {
        taken.set(input, at);
        return true;
      }
    }
    return false;
  };
  candidates.forEach((_, at) => place(at, new Set()));
  return [...taken].map(([input, at]) => ({ input, output: candidates[at].index }));
}

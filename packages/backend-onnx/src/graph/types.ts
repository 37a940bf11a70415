import type { ElementType, Provider, TypedArray } from '../runtime/types';

/** A value inside a graph that is being built: it has a name, a shape and an element type, but no data. */
export interface GraphTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: ElementType;
  /** Set when every element is known to be this number, so that lowerings can fold it. */
  readonly uniform?: number;
}

/** An attribute of a node: whole numbers are ints, other numbers floats; `{ float }` makes a whole number a float. */
export type Attribute =
  number | string | readonly number[] | { readonly float: number } | { readonly floats: readonly number[] };

/** One node of a graph. An empty input name stands for an optional input that is left out. */
export interface GraphNode {
  readonly opType: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A constant that is written into the model. */
export interface GraphConstant {
  readonly tensor: GraphTensor;
  readonly bytes: Uint8Array;
}

/** A large constant that stays where it is: the program binds it as one more input. */
export interface CapturedInput {
  readonly tensor: GraphTensor;
  readonly data: TypedArray;
}

/** Domain, shape and element type of a node's output; both default to those of the first input. */
export interface OpOptions {
  domain?: string;
  shape?: readonly number[];
  dtype?: ElementType;
}

/** What a node's output looks like. */
export interface OutputDeclaration {
  readonly shape: readonly number[];
  readonly dtype: ElementType;
}

/** What lowerings write into. */
export interface LoweringGraph {
  /** Whether our own library of kernels is there, so that nodes of its domain may be used. */
  readonly native: boolean;
  /** Where the graph will be computed: a node that the provider does not have goes to the CPU and back. */
  readonly provider: Provider;
  /** Adds a node with one output. */
  op(
    opType: string,
    inputs: readonly (GraphTensor | null)[],
    attributes?: Readonly<Record<string, Attribute>>,
    options?: OpOptions,
  ): GraphTensor;
  /** Adds a node with several outputs. */
  ops(
    opType: string,
    inputs: readonly (GraphTensor | null)[],
    attributes: Readonly<Record<string, Attribute>>,
    outputs: readonly OutputDeclaration[],
    domain?: string,
  ): GraphTensor[];
  /** A constant with these elements; equal small constants are one. */
  constant(values: ArrayLike<number>, shape: readonly number[], dtype: ElementType): GraphTensor;
  /** A constant of rank 0. */
  scalar(value: number, dtype: ElementType): GraphTensor;
  /** A vector of int64: the form in which ONNX takes shapes and axes. */
  int64(values: readonly number[]): GraphTensor;
  /** A tensor whose elements are all the same; it takes no room in the model. */
  fill(value: number, shape: readonly number[], dtype: ElementType): GraphTensor;
  /** The node that makes a tensor; undefined for inputs and constants. */
  producer(tensor: GraphTensor): GraphNode | undefined;
  /** The tensor with that name. */
  tensor(name: string): GraphTensor;
  /** The numbers of a constant that is in the model, if the tensor is one of at most 64 elements. */
  values(tensor: GraphTensor): readonly number[] | undefined;
  /** What lowerings have found out about tensors of this graph, for each other: plain sentences. */
  readonly facts: Set<string>;
}

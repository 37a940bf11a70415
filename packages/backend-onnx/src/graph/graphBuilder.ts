import type { ElementType, Provider, TypedArray } from '../runtime/types';
import { bytesOf } from './bytes';
import { sameShape, sizeOf } from './shape';
import type {
  Attribute,
  CapturedInput,
  GraphConstant,
  GraphNode,
  GraphTensor,
  LoweringGraph,
  OpOptions,
  OutputDeclaration,
} from './types';

/** Constants of up to this many elements are compared by content, and their numbers stay known. */
const smallConstant = 64;

const none: Readonly<Record<string, Attribute>> = Object.freeze({});

/**
 * A graph under construction: nodes in the order in which they were added, which is a topological order.
 * Adding a node that is there already gives the one that is there.
 */
export class GraphBuilder implements LoweringGraph {
  readonly nodes: GraphNode[] = [];
  readonly inputs: GraphTensor[] = [];
  readonly constants = new Map<string, GraphConstant>();
  readonly captured: CapturedInput[] = [];
  readonly facts = new Set<string>();
  readonly #tensors = new Map<string, GraphTensor>();
  readonly #producers = new Map<string, GraphNode>();
  readonly #known = new Map<string, GraphTensor[]>();
  readonly #small = new Map<string, readonly number[]>();
  #count = 0;

  constructor(
    readonly native: boolean = false,
    readonly provider: Provider = 'cpu',
    /** Whether the device computes products of float16. */
    readonly halfProducts: boolean = false,
  ) {}

  /** Adds an input of the program. */
  input(shape: readonly number[], dtype: ElementType): GraphTensor {
    const tensor = this.#add({ name: `x${this.inputs.length}`, shape, dtype });
    this.inputs.push(tensor);
    return tensor;
  }

  /** Adds data that stays where it is and is bound as a hidden input. */
  capture(data: TypedArray, shape: readonly number[], dtype: ElementType): GraphTensor {
    const tensor = this.#add({ name: `h${this.captured.length}`, shape, dtype });
    this.captured.push({ tensor, data });
    return tensor;
  }

  op(
    opType: string,
    inputs: readonly (GraphTensor | null)[],
    attributes: Readonly<Record<string, Attribute>> = none,
    options: OpOptions = {},
  ): GraphTensor {
    const shape = options.shape ?? inputs[0]!.shape;
    const dtype = options.dtype ?? inputs[0]!.dtype;
    return this.ops(opType, inputs, attributes, [{ shape, dtype }], options.domain)[0];
  }

  ops(
    opType: string,
    inputs: readonly (GraphTensor | null)[],
    attributes: Readonly<Record<string, Attribute>>,
    outputs: readonly OutputDeclaration[],
    domain = '',
  ): GraphTensor[] {
    const names = inputs.map((input) => input?.name ?? '');
    const key = `${domain}:${opType}(${names.join()})${attributes === none ? '' : JSON.stringify(attributes)}>${outputs.length}`;
    const known = this.#known.get(key);
    if (
      known &&
      known.every((tensor, i) => tensor.dtype === outputs[i].dtype && sameShape(tensor.shape, outputs[i].shape))
    )
      return known;
    const tensors = outputs.map(({ shape, dtype }) =>
      this.#add({ name: `v${this.#count++}`, shape: shape.slice(), dtype }),
    );
    this.#node({ opType, domain, inputs: names, outputs: tensors.map(({ name }) => name), attributes });
    this.#known.set(key, tensors);
    return tensors;
  }

  constant(values: ArrayLike<number>, shape: readonly number[], dtype: ElementType): GraphTensor {
    const small = values.length <= smallConstant;
    const key = small ? `${dtype}[${shape.join()}]${Array.from(values, spell).join()}` : '';
    const known = small ? this.#known.get(key) : undefined;
    if (known) return known[0];
    const bytes = bytesOf(values, dtype);
    const uniform =
      values.length > 0 && isUniform(values)
        ? { uniform: dtype === 'float32' ? Math.fround(values[0]) : values[0] }
        : {};
    const tensor = this.#add({ name: `c${this.constants.size}`, shape: shape.slice(), dtype, ...uniform });
    this.constants.set(tensor.name, { tensor, bytes });
    if (small) {
      this.#known.set(key, [tensor]);
      this.#small.set(tensor.name, Array.from(values));
    }
    return tensor;
  }

  scalar(value: number, dtype: ElementType): GraphTensor {
    return this.constant([value], [], dtype);
  }

  int64(values: readonly number[]): GraphTensor {
    return this.constant(values, [values.length], 'int64');
  }

  fill(value: number, shape: readonly number[], dtype: ElementType): GraphTensor {
    if (shape.length === 0) return this.scalar(value, dtype);
    if (sizeOf(shape) <= 16) return this.constant(new Array<number>(sizeOf(shape)).fill(value), shape, dtype);
    const key = `fill${dtype}[${shape.join()}]${spell(value)}`;
    const known = this.#known.get(key);
    if (known) return known[0];
    const tensor = this.#add({ name: `v${this.#count++}`, shape: shape.slice(), dtype, uniform: value });
    const inputs = [this.scalar(value, dtype).name, this.int64(shape).name];
    this.#node({ opType: 'Expand', domain: '', inputs, outputs: [tensor.name], attributes: none });
    this.#known.set(key, [tensor]);
    return tensor;
  }

  /** A name for a tensor that a rewritten node makes, like another in shape and type. */
  declare({ shape, dtype }: GraphTensor): string {
    return this.#add({ name: `v${this.#count++}`, shape, dtype }).name;
  }

  producer(tensor: GraphTensor): GraphNode | undefined {
    return this.#producers.get(tensor.name);
  }

  tensor(name: string): GraphTensor {
    return this.#tensors.get(name)!;
  }

  values(tensor: GraphTensor): readonly number[] | undefined {
    return this.#small.get(tensor.name);
  }

  #add(tensor: GraphTensor): GraphTensor {
    this.#tensors.set(tensor.name, tensor);
    return tensor;
  }

  #node(node: GraphNode): void {
    this.nodes.push(node);
    for (const output of node.outputs) this.#producers.set(output, node);
  }
}

/** A number as text that no other number has. */
function spell(value: number): string {
  return value === 0 && 1 / value < 0 ? '-0' : String(value);
}

/** Whether all elements are the same, bit for bit. */
export function isUniform(values: ArrayLike<number> | Float32Array): boolean {
  if (values instanceof Float32Array) {
    const bits = new Int32Array(values.buffer, values.byteOffset, values.length); // an order faster than Object.is
    for (let i = 1; i < bits.length; i++) if (bits[i] !== bits[0]) return false;
    return true;
  }
  for (let i = 1; i < values.length; i++) if (!Object.is(values[i], values[0])) return false;
  return true;
}

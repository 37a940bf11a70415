import { runtimeError } from './errors';
import type { ElementType, TypedArray } from './types';

interface ElementTypeFacts {
  /** ONNXTensorElementDataType, which is TensorProto.DataType. */
  readonly code: number;
  /** `Symbol.toStringTag` of the typed array: it works across realms, where `instanceof` does not. */
  readonly array: string;
}

const facts: Readonly<Record<ElementType, ElementTypeFacts>> = {
  float32: { code: 1, array: 'Float32Array' },
  uint8: { code: 2, array: 'Uint8Array' },
  int8: { code: 3, array: 'Int8Array' },
  uint16: { code: 4, array: 'Uint16Array' },
  int16: { code: 5, array: 'Int16Array' },
  int32: { code: 6, array: 'Int32Array' },
  int64: { code: 7, array: 'BigInt64Array' },
  bool: { code: 9, array: 'Uint8Array' },
  float16: { code: 10, array: 'Uint16Array' },
  float64: { code: 11, array: 'Float64Array' },
  uint32: { code: 12, array: 'Uint32Array' },
  uint64: { code: 13, array: 'BigUint64Array' },
  bfloat16: { code: 16, array: 'Uint16Array' },
};

/** Code and typed array of an element type. @throws E_VALUE_TYPE for a name that is none */
function elementTypeFacts(type: ElementType): ElementTypeFacts {
  const known = Object.hasOwn(facts, type) ? facts[type] : undefined;
  if (known !== undefined) return known;
  throw runtimeError(
    'E_VALUE_TYPE',
    `unknown element type '${String(type)}'`,
    `use one of ${Object.keys(facts).join(', ')}`,
  );
}

/** The element type behind one of ONNX's numbers, if it is one that has a typed array. */
export function elementTypeOfCode(code: number): ElementType | undefined {
  return (Object.keys(facts) as ElementType[]).find((type) => facts[type].code === code);
}

/**
 * Checks that a tensor may share memory with an array: class and element type agree, the dims hold exactly its elements,
 * and the memory will stay where it is.
 *
 * @returns ONNX's number of the element type
 * @throws E_VALUE_TYPE, E_VALUE_DIMS, E_VALUE_SIZE, E_VALUE_BUFFER
 */
export function checkTensor(data: TypedArray, dims: readonly number[], type: ElementType): number {
  const { array, code } = elementTypeFacts(type);
  const found = ArrayBuffer.isView(data) ? data[Symbol.toStringTag as keyof TypedArray] : typeof data;
  if ((found as unknown) !== array) {
    throw runtimeError('E_VALUE_TYPE', `${type} lives in a ${array}, found ${String(found)}`, `pass a ${array}`);
  }
  const count = elementCount(dims);
  if (count !== data.length) {
    throw runtimeError(
      'E_VALUE_SIZE',
      `dims [${dims.join(',')}] need ${count} elements, the ${array} has ${data.length}`,
      'pass an array of exactly that length (a subarray shares memory); a transferred buffer has length 0',
    );
  }
  const buffer = data.buffer as ArrayBuffer & { resizable?: boolean; growable?: boolean; detached?: boolean };
  if (buffer.resizable === true || buffer.growable === true || buffer.detached === true) {
    throw runtimeError(
      'E_VALUE_BUFFER',
      `the memory of a tensor must stay where it is, found a ${buffer.detached === true ? 'transferred' : 'resizable'} buffer`,
      'pass an array over an ordinary buffer',
    );
  }
  return code;
}

/** ONNX's number of an element type. @throws E_VALUE_TYPE for a name that is none */
export function elementCode(type: ElementType): number {
  return elementTypeFacts(type).code;
}

/** A typed array of zeros for an element type. @throws E_VALUE_TYPE for a name that is none */
export function makeArray(type: ElementType, length: number): TypedArray {
  const { array } = elementTypeFacts(type);
  const constructors = globalThis as unknown as Record<string, new (length: number) => TypedArray>;
  return new constructors[array](length);
}

/** How many elements a tensor of these dims has. @throws E_VALUE_DIMS when they are not whole numbers from 0 */
export function elementCount(dims: readonly number[]): number {
  let count = 1;
  for (let axis = 0; axis < dims?.length; axis += 1) {
    count *= Number.isSafeInteger(dims[axis]) && dims[axis] >= 0 ? dims[axis] : Number.NaN;
  }
  if (Array.isArray(dims) && Number.isSafeInteger(count)) return count;
  throw runtimeError(
    'E_VALUE_DIMS',
    `dims must be an array of whole numbers from 0, found ${show(dims)}`,
    'pass the shape, [] for a scalar',
  );
}

function show(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(String).join(',')}]` : String(value);
}

import { checkTensor, elementTypeFacts } from './elementTypes';
import type { Environment } from './environment';
import { runtimeError } from './errors';
import { createHandle, dispose, watch } from './handles';
import type { Handle } from './handles';
import type { NativeApi } from './nativeApi';
import type { ElementType, TypedArray, Value } from './types';

const brand: unique symbol = /* @__PURE__ */ Symbol.for('tesserae.onnxruntime.value.v1');

/** What a value is inside: its OrtValue, and the library that made it. */
interface NativeValue extends Value {
  readonly [brand]: { readonly handle: Handle; readonly api: NativeApi };
}

/** Makes the function that turns typed arrays into tensors of one library, without copying them. */
export function createValueFactory(api: NativeApi, environment: Environment): (data: TypedArray, dims: readonly number[], type: ElementType) => Value {
  const { table, read } = api;
  const free = (pointer: number): void => void table.ReleaseValue(pointer);
  const maximumRank = 64;
  const sizes = new BigInt64Array(maximumRank);
  void sizes.buffer; // moves a small array out of the garbage collector's way, so that its address holds
  const nothing = new Uint8Array(64);
  void nothing.buffer;

  return (data, dims, type) => {
    checkTensor(data, dims, type);
    const { code } = elementTypeFacts(type);
    const rank = dims.length;
    if (rank > maximumRank) throw runtimeError('E_VALUE_DIMS', `a tensor has at most ${maximumRank} dims, found ${rank}`, 'merge dims');
    for (let index = 0; index < rank; index += 1) sizes[index] = BigInt(dims[index]);
    void data.buffer; // as above: from here on the array's memory stays where it is
    // An empty array has no address of its own.
    const memory = data.byteLength === 0 ? nothing : data;
    const pointer = read(table.CreateTensorWithDataAsOrtValue, 'make a tensor', environment.cpuMemory, memory, data.byteLength, sizes, rank, code);
    const handle = createHandle(pointer, free);
    const value: NativeValue = {
      data,
      dims: Object.freeze([...dims]),
      type,
      get disposed() {
        return handle.pointer === 0;
      },
      dispose: () => dispose(handle),
      [brand]: { handle, api },
    };
    watch(value, handle);
    return value;
  };
}

/**
 * The handle of a value that this library made and that is still alive.
 *
 * @param what how to name it in an error: `input 'x'`
 * @throws E_VALUE_FOREIGN, E_DISPOSED
 */
export function valueHandle(value: Value, api: NativeApi, what: string): Handle {
  const inside = (value as Partial<NativeValue> | null | undefined)?.[brand];
  if (inside === undefined || inside.api !== api) {
    throw runtimeError('E_VALUE_FOREIGN', `${what} is no value of this runtime`, 'make it with createValue of the runtime that made the session');
  }
  if (inside.handle.pointer === 0) {
    throw runtimeError('E_DISPOSED', `the value for ${what} was disposed of`, 'dispose of values after their last run');
  }
  return inside.handle;
}

import { checkTensor } from './elementTypes';
import type { Environment } from './environment';
import { runtimeError } from './errors';
import { createHandle, dispose, watch } from './handles';
import type { Handle } from './handles';
import type { NativeApi } from './nativeApi';
import type { DeviceValue, ElementType, TypedArray, Value } from './types';

/** Under it a value keeps its OrtValue. */
export const valueBrand: unique symbol = /* @__PURE__ */ Symbol.for('tesserae.onnxruntime.value.v1');

/** A tensor over the memory of `data`. Eager programs make many: a class costs less than a set of closures each. */
class NativeValue implements Value {
  readonly [valueBrand]: Handle;

  constructor(
    readonly data: TypedArray,
    readonly dims: readonly number[],
    readonly type: ElementType,
    handle: Handle,
  ) {
    this[valueBrand] = handle;
    watch(this, handle);
  }

  get disposed(): boolean {
    return this[valueBrand].pointer === 0;
  }

  dispose(): void {
    dispose(this[valueBrand]);
  }
}

const maximumRank = 64;

/** Makes the function that turns typed arrays into tensors of one library, without copying them. */
export function createValueFactory(
  api: NativeApi,
  environment: Environment,
): (data: TypedArray, dims: readonly number[], type: ElementType) => Value {
  const { table, read } = api;
  const sizes = new BigInt64Array(maximumRank);
  void sizes.buffer; // moves a small array out of the garbage collector's way, so that its address holds
  const nothing = new Uint8Array(64);
  void nothing.buffer;

  return (data, dims, type) => {
    const code = checkTensor(data, dims, type);
    const rank = dims.length;
    if (rank > maximumRank)
      throw runtimeError('E_VALUE_DIMS', `a tensor has at most ${maximumRank} dims, found ${rank}`, 'merge dims');
    for (let index = 0; index < rank; index += 1) sizes[index] = BigInt(dims[index]);
    void data.buffer; // as above: from here on the array's memory stays where it is
    // An empty array has no address of its own.
    const memory = data.byteLength === 0 ? nothing : data;
    const pointer = read(
      table.CreateTensorWithDataAsOrtValue,
      'make a tensor',
      environment.cpuMemory,
      memory,
      data.byteLength,
      sizes,
      rank,
      code,
    );
    return new NativeValue(data, Object.freeze(dims.slice()), type, createHandle(pointer, table.ReleaseValue));
  };
}

/** A value that something keeps, and with it the memory it stands for. */
export interface HeldValue {
  /** How to name it in an error. */
  readonly what: string;
  /** Held: its handle is freed when nothing holds it. */
  readonly value: Value | DeviceValue;
  readonly handle: Handle;
  /** Its memory, where that is ours. */
  readonly data: TypedArray | undefined;
  /** Bytes that the data must still have: a transferred array has none. */
  readonly bytes: number;
}

/** Keeps a value. @throws E_VALUE_FOREIGN, E_DISPOSED */
export function holdValue(what: string, value: Value | DeviceValue, api: NativeApi): HeldValue {
  const handle = valueHandle(value, api, what);
  const data = 'data' in value ? value.data : undefined;
  return { what, value, handle, data, bytes: data === undefined ? 0 : data.byteLength };
}

/** Checks that the memory behind values is still there. @throws E_DISPOSED, E_VALUE_BUFFER */
export function checkHeld(values: readonly HeldValue[]): void {
  for (let index = 0; index < values.length; index += 1) {
    const held = values[index];
    if (held.handle.pointer !== 0 && (held.data === undefined || held.data.byteLength === held.bytes)) continue;
    if (held.handle.pointer === 0)
      throw runtimeError('E_DISPOSED', `the value of ${held.what} was disposed of`, 'bind another value');
    throw runtimeError(
      'E_VALUE_BUFFER',
      `the memory of ${held.what} was transferred away`,
      'never transfer the buffer of a bound array',
    );
  }
}

/**
 * The handle of a value that this library made and that is still alive.
 *
 * @param what how to name it in an error: `input 'x'`
 * @throws E_VALUE_FOREIGN, E_DISPOSED
 */
export function valueHandle(value: Value | DeviceValue, api: NativeApi, what: string): Handle {
  const handle = (value as Partial<NativeValue> | null | undefined)?.[valueBrand];
  // Each library frees its own values: the function tells whose this one is.
  if (handle === undefined || handle.free !== api.table.ReleaseValue) {
    throw runtimeError(
      'E_VALUE_FOREIGN',
      `${what} is no value of this runtime`,
      'make it with createValue of the runtime that made the session',
    );
  }
  if (handle.pointer === 0) {
    throw runtimeError('E_DISPOSED', `the value for ${what} was disposed of`, 'dispose of values after their last run');
  }
  return handle;
}

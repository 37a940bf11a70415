import { checkTensor, elementCode, elementCount, makeArray } from './elementTypes';
import type { Environment } from './environment';
import { runtimeError } from './errors';
import { createHandle, dispose, watch } from './handles';
import type { Handle } from './handles';
import type { NativeApi } from './nativeApi';
import { buildSession } from './sessions';
import type { DeviceValue, ElementType, Provider, TypedArray, Value } from './types';
import { valueBrand, valueHandle } from './values';

/** A provider's memory: whatever allocates there must outlive what it allocated, so both stay until the process ends. */
interface DeviceMemory {
  /** OrtAllocator*. */
  readonly allocator: number;
}

/** A tensor in the memory of a provider. */
class NativeDeviceValue implements DeviceValue {
  readonly [valueBrand]: Handle;
  readonly #transfer: (from: number, to: number) => void;
  readonly #host: (data: TypedArray) => Value;
  readonly #api: NativeApi;

  constructor(
    readonly dims: readonly number[],
    readonly type: ElementType,
    readonly provider: Provider,
    handle: Handle,
    api: NativeApi,
    host: (data: TypedArray) => Value,
    transfer: (from: number, to: number) => void,
  ) {
    this[valueBrand] = handle;
    this.#api = api;
    this.#host = host;
    this.#transfer = transfer;
    watch(this, handle);
  }

  get disposed(): boolean {
    return this[valueBrand].pointer === 0;
  }

  write(data: TypedArray): void {
    this.#move(data, (host, device) => this.#transfer(host, device));
  }

  read(into: TypedArray = makeArray(this.type, elementCount(this.dims))): TypedArray {
    this.#move(into, (host, device) => this.#transfer(device, host));
    return into;
  }

  dispose(): void {
    dispose(this[valueBrand]);
  }

  #move(data: TypedArray, transfer: (host: number, device: number) => void): void {
    const device = valueHandle(this, this.#api, 'the transfer');
    checkTensor(data, this.dims, this.type);
    if (data.byteLength === 0) return;
    const host = this.#host(data);
    try {
      transfer(valueHandle(host, this.#api, 'the transfer').pointer, device.pointer);
    } finally {
      host.dispose();
    }
  }
}

/** Makes the function that makes tensors in the memory of a provider. */
export function createDeviceValueFactory(
  api: NativeApi,
  environment: Environment,
  createValue: (data: TypedArray, dims: readonly number[], type: ElementType) => Value,
): (dims: readonly number[], type: ElementType, provider: Provider) => DeviceValue {
  const { table, read, check } = api;
  const memories = new Map<Provider, DeviceMemory>();
  const transfer = (from: number, to: number): void =>
    check(
      table.CopyTensors(environment.pointer, BigUint64Array.of(BigInt(from)), BigUint64Array.of(BigInt(to)), 0, 1),
      "copy to or from a provider's memory",
    );

  return (dims, type, provider) => {
    const code = elementCode(type);
    const bytes = elementCount(dims) * makeArray(type, 0).BYTES_PER_ELEMENT;
    let memory = memories.get(provider);
    if (memory === undefined) memories.set(provider, (memory = openMemory(api, environment, provider)));
    const sizes = BigInt64Array.from(dims, BigInt);
    const room = sizes.length === 0 ? new BigInt64Array(1) : sizes;
    const doing = `make a tensor of ${bytes} bytes in the memory of ${provider}`;
    const pointer = read(table.CreateTensorAsOrtValue, doing, memory.allocator, room, sizes.length, code);
    const shape = Object.freeze(dims.slice());
    const handle = createHandle(pointer, table.ReleaseValue);
    return new NativeDeviceValue(shape, type, provider, handle, api, (data) => createValue(data, dims, type), transfer);
  };
}

/** Finds out where a provider keeps its tensors, from a session of one node on it. */
function openMemory(api: NativeApi, environment: Environment, provider: Provider): DeviceMemory {
  const { table, read, check, text } = api;
  if (provider === 'cpu') throw noMemory(provider);
  const doing = `find the memory of ${provider}`;
  const session = buildSession(api, environment, identityModel(), { provider });
  const information = new BigUint64Array(1);
  check(table.SessionGetMemoryInfoForOutputs(session, information, 1), doing);
  const place = Number(information[0]);
  if (place === 0 || text(read(table.MemoryInfoGetName, doing, place)) === 'Cpu') throw noMemory(provider);
  return { allocator: read(table.CreateAllocator, doing, session, place) };
}

function noMemory(provider: Provider): Error {
  return runtimeError('E_PROVIDER', `${provider} has no memory of its own`, 'use createValue');
}

/** A model of one node that gives back what it gets, as Protocol Buffers: y = Identity(x), float32 [n]. */
function identityModel(): Uint8Array {
  const ascii = (text: string): number[] => Array.from(text, (letter) => letter.charCodeAt(0));
  const message = (field: number, ...content: number[][]): number[] => {
    const bytes = content.flat();
    return [field * 8 + 2, bytes.length, ...bytes]; // everything here is shorter than 128 bytes
  };
  const number = (field: number, value: number): number[] => [field * 8, value];
  const shape = message(2, message(1, message(2, ascii('n'))));
  const port = (field: number, name: string): number[] =>
    message(field, message(1, ascii(name)), message(2, message(1, number(1, 1), shape)));
  const node = message(1, message(1, ascii('x')), message(2, ascii('y')), message(4, ascii('Identity')));
  const graph = message(7, node, message(2, ascii('g')), port(11, 'x'), port(12, 'y'));
  return Uint8Array.from([...number(1, 8), ...graph, ...message(8, number(2, 13))]);
}

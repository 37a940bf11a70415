import { elementTypeOfCode } from './elementTypes';
import { runtimeError } from './errors';
import type { NativeApi } from './nativeApi';
import type { Environment } from './environment';
import type { DeviceValue, Port, Value } from './types';

/** A port as a binding uses it: with its name as the library reads it. */
export interface NamedPort extends Port {
  /** The name in UTF-8, ended by 0. */
  readonly nameBytes: Uint8Array;
}

/** Reads the inputs or the outputs of a session. */
export function readPorts(
  api: NativeApi,
  environment: Environment,
  session: number,
  side: 'Input' | 'Output',
): NamedPort[] {
  const { table, read, check, text } = api;
  const doing = `read the session's ${side.toLowerCase()}s`;
  const count = read(table[`SessionGet${side}Count`], doing, session);
  return Array.from({ length: count }, (_, index) => {
    const address = read(table[`SessionGet${side}Name`], doing, session, index, environment.allocator);
    const name = text(address);
    check(table.AllocatorFree(environment.allocator, address), doing);
    const information = read(table[`SessionGet${side}TypeInfo`], doing, session, index);
    const { type, dims } = readType(api, information, doing);
    table.ReleaseTypeInfo(information);
    return { name, type, dims, nameBytes: new TextEncoder().encode(`${name}\0`) };
  });
}

function readType({ table, read, check }: NativeApi, information: number, doing: string): Pick<Port, 'type' | 'dims'> {
  const tensor = read(table.CastTypeInfoToTensorInfo, doing, information);
  if (tensor === 0) return { type: undefined, dims: [] };
  const code = new Int32Array(1);
  check(table.GetTensorElementType(tensor, code), doing);
  const sizes = new BigInt64Array(read(table.GetDimensionsCount, doing, tensor));
  if (sizes.length > 0) check(table.GetDimensions(tensor, sizes, sizes.length), doing);
  return { type: elementTypeOfCode(code[0]), dims: Array.from(sizes, Number) };
}

/**
 * Finds a port by name and checks that a value fits it. A port without dims may be a scalar or may be of unknown shape,
 * and a dim of -1 may vary: those are left to ONNX Runtime, which compares shapes when it runs.
 *
 * @throws E_NAME, E_VALUE_TYPE, E_VALUE_DIMS
 */
export function fitPort<P extends Port>(
  ports: ReadonlyMap<string, P>,
  side: 'input' | 'output',
  name: string,
  value: Value | DeviceValue,
): P {
  const port = ports.get(name);
  if (port === undefined) {
    throw runtimeError(
      'E_NAME',
      `the session has no ${side} '${name}'`,
      `its ${side}s are ${listNames([...ports.keys()])}`,
    );
  }
  if (port.type !== value.type) {
    throw runtimeError(
      'E_VALUE_TYPE',
      `${side} '${name}' is ${port.type ?? 'no tensor'}, found ${value.type}`,
      'bind a value of that element type',
    );
  }
  const { dims } = port;
  if (
    dims.length > 0 &&
    (dims.length !== value.dims.length || dims.some((size, axis) => size >= 0 && size !== value.dims[axis]))
  ) {
    throw runtimeError(
      'E_VALUE_DIMS',
      `${side} '${name}' is [${dims.map((size) => (size < 0 ? '?' : size)).join(',')}], found [${value.dims.join(',')}]`,
      'bind a value of that shape',
    );
  }
  return port;
}

/** Checks that every input has a value, and some output. @throws E_NAME */
export function checkComplete(
  inputs: ReadonlyMap<string, Port>,
  bound: ReadonlyMap<string, unknown>,
  outputs: number,
): void {
  if (outputs === 0)
    throw runtimeError('E_NAME', 'no output has a value, so there is nothing to compute', 'set one before the run');
  if (bound.size === inputs.size) return;
  const missing = [...inputs.keys()].filter((name) => !bound.has(name));
  throw runtimeError('E_NAME', `inputs without a value: ${listNames(missing)}`, 'set them before the run');
}

function listNames(names: string[]): string {
  const shown = names.slice(0, 12).map((name) => `'${name}'`);
  return names.length > shown.length ? `${shown.join(', ')} and ${names.length - shown.length} more` : shown.join(', ');
}

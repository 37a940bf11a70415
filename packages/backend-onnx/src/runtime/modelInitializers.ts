import { readFileSync } from 'node:fs';
import { elementTypeOfCode } from './elementTypes';
import { runtimeError } from './errors';
import type { ElementType, Value } from './types';

/** What a model says of one of its initializers. */
interface Declared {
  type: ElementType | undefined;
  dims: number[];
}

/**
 * Checks that values handed over as initializers are what the model declares: ONNX Runtime takes them as they come and
 * would read their memory as the declared type.
 *
 * @throws E_NAME, E_VALUE_TYPE, E_VALUE_DIMS
 */
export function checkInitializers(model: Uint8Array | string, initializers: Record<string, Value>): void {
  const names = Object.keys(initializers);
  if (names.length === 0) return;
  const declared = readInitializers(typeof model === 'string' ? readFileSync(model) : model);
  for (const name of names) {
    const value = initializers[name];
    const wanted = declared.get(name);
    if (wanted === undefined) {
      throw runtimeError(
        'E_NAME',
        `the model has no initializer '${name}'`,
        `declare it; it has ${declared.size}: ${[...declared.keys()].slice(0, 8).join(', ')}`,
      );
    }
    if (wanted.type !== value.type) {
      throw runtimeError(
        'E_VALUE_TYPE',
        `initializer '${name}' is ${wanted.type ?? 'of another type'}, found ${value.type}`,
        'hand over a value of that element type',
      );
    }
    if (wanted.dims.length !== value.dims.length || wanted.dims.some((size, axis) => size !== value.dims[axis])) {
      throw runtimeError(
        'E_VALUE_DIMS',
        `initializer '${name}' is [${wanted.dims.join(',')}], found [${value.dims.join(',')}]`,
        'hand over a value of that shape',
      );
    }
  }
}

/** ModelProto.graph, GraphProto.initializer and the fields of TensorProto that say what it is. */
const fields = { graph: 7, initializer: 5, dims: 1, dataType: 2, name: 8 } as const;

/** Walks a serialized model without decoding its weights. Bytes that are no model give no initializers: loading tells. */
function readInitializers(bytes: Uint8Array): Map<string, Declared> {
  const found = new Map<string, Declared>();
  for (const graph of messages(bytes, fields.graph)) {
    for (const tensor of messages(graph, fields.initializer)) {
      const dims: number[] = [];
      let type: ElementType | undefined;
      let name = '';
      for (const { field, number, content } of walk(tensor)) {
        if (field === fields.name && content !== undefined) name = new TextDecoder().decode(content);
        else if (field === fields.dataType) type = elementTypeOfCode(number);
        else if (field === fields.dims && content === undefined) dims.push(number);
        else if (field === fields.dims && content !== undefined) dims.push(...packed(content));
      }
      found.set(name, { type, dims });
    }
  }
  return found;
}

interface Field {
  field: number;
  /** Of a varint field. */
  number: number;
  /** Of a field with a length. */
  content: Uint8Array | undefined;
}

function* messages(bytes: Uint8Array, wanted: number): Generator<Uint8Array> {
  for (const { field, content } of walk(bytes)) if (field === wanted && content !== undefined) yield content;
}

/** The fields of a message of Protocol Buffers, up to the first that cannot be. */
function* walk(bytes: Uint8Array): Generator<Field> {
  let at = 0;
  while (at < bytes.length) {
    const tag = varint(bytes, at);
    const field = Math.floor(tag.number / 8);
    at = tag.next;
    const kind = tag.number % 8;
    if (kind === 0) {
      const { number, next } = varint(bytes, at);
      yield { field, number, content: undefined };
      at = next;
    } else if (kind === 1 || kind === 5) {
      at += kind === 1 ? 8 : 4;
    } else if (kind === 2) {
      const { number: length, next } = varint(bytes, at);
      if (next + length > bytes.length) return;
      yield { field, number: 0, content: bytes.subarray(next, next + length) };
      at = next + length;
    } else return;
  }
}

function varint(bytes: Uint8Array, start: number): { number: number; next: number } {
  let number = 0;
  let scale = 1;
  for (let next = start; next < bytes.length; next += 1) {
    number += (bytes[next] & 127) * scale;
    if (bytes[next] < 128) return { number, next: next + 1 };
    scale *= 128;
  }
  return { number, next: bytes.length };
}

function packed(content: Uint8Array): number[] {
  const numbers: number[] = [];
  for (let at = 0; at < content.length;) {
    const { number, next } = varint(content, at);
    numbers.push(number);
    at = next;
  }
  return numbers;
}

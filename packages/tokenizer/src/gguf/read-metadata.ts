import { tokenizerError } from '../errors/tokenizer-error';

/** A value of GGUF metadata; 64-bit integers come as numbers. */
export type GgufValue = number | boolean | string | readonly GgufValue[];

/** How many entries and elements are read at most. */
const MOST_ENTRIES = 1 << 16;
const MOST_ELEMENTS = 1 << 24;
/** The bytes of a value of each type; strings and lists have their own length. */
const SIZES = [1, 1, 2, 2, 4, 4, 4, 1, -1, -1, 8, 8, 8];

/** The error for a GGUF file that cannot be used. */
export function ggufError(what: string): Error {
  return tokenizerError(
    'E_TOKENIZER_JSON',
    `GGUF: ${what}`,
    'use a GGUF file of version 2 or 3 that holds a vocabulary',
  );
}

/**
 * Reads the metadata of a GGUF file. Every length is checked against the bytes that are there before anything is made.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
export function readGgufMetadata(bytes: Uint8Array): Map<string, GgufValue> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const room = (length: number): number => {
    if (length > bytes.length - at) throw ggufError(`it is cut off at byte ${bytes.length}`);
    return (at += length) - length;
  };
  const long = (): number => {
    const value = view.getBigUint64(room(8), true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw ggufError(`it has a length of ${value}`);
    return Number(value);
  };
  const text = (): string => {
    const length = long();
    const start = room(length);
    return new TextDecoder().decode(bytes.subarray(start, start + length));
  };
  const value = (type: number, depth: number): GgufValue => {
    if (type === 8) return text();
    if (type === 9) {
      if (depth > 4) throw ggufError('its lists are nested too deeply');
      const inside = view.getUint32(room(4), true);
      const count = long();
      const least = SIZES[inside] === undefined ? NaN : Math.max(SIZES[inside], 8 * Number(SIZES[inside] < 0));
      if (!(count <= MOST_ELEMENTS) || !(count * least <= bytes.length - at))
        throw ggufError(`it has a list of ${count} values of type ${inside}, for which there is no room`);
      return Array.from({ length: count }, () => value(inside, depth + 1));
    }
    return readScalar(view, type, room);
  };
  if (bytes.length < 24 || view.getUint32(room(4), true) !== 0x46554747) throw ggufError('it does not begin with GGUF');
  const version = view.getUint32(room(4), true);
  if (version !== 2 && version !== 3) throw ggufError(`it is of version ${version}`);
  room(8); // tensors
  const entries = long();
  if (entries > MOST_ENTRIES) throw ggufError(`it has ${entries} entries`);
  const found = new Map<string, GgufValue>();
  for (let i = 0; i < entries; i++) {
    const name = text();
    found.set(name, value(view.getUint32(room(4), true), 0));
  }
  return found;
}

function readScalar(view: DataView, type: number, room: (length: number) => number): GgufValue {
  switch (type) {
    case 0:
      return view.getUint8(room(1));
    case 1:
      return view.getInt8(room(1));
    case 2:
      return view.getUint16(room(2), true);
    case 3:
      return view.getInt16(room(2), true);
    case 4:
      return view.getUint32(room(4), true);
    case 5:
      return view.getInt32(room(4), true);
    case 6:
      return view.getFloat32(room(4), true);
    case 7:
      return view.getUint8(room(1)) !== 0;
    case 10:
      return Number(view.getBigUint64(room(8), true));
    case 11:
      return Number(view.getBigInt64(room(8), true));
    case 12:
      return view.getFloat64(room(8), true);
    default:
      throw ggufError(`it has a value of type ${type}`);
  }
}

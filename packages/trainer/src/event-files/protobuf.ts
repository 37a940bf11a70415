/**
 * The part of the protocol-buffer wire format that event files need: a message is a list of fields, and each function here
 * gives the bytes of one field.
 *
 * Reference: "Encoding", protobuf.dev.
 */

const utf8 = /* @__PURE__ */ new TextEncoder();

/** A whole number ≥ 0 in groups of seven bits, the lowest first. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80); // numbers above 2³¹ do not survive shifts
  }
  bytes.push(rest);
  return bytes;
}

const WIRE = { varint: 0, eightBytes: 1, lengthDelimited: 2, fourBytes: 5 } as const;

const head = (field: number, wire: number): number[] => varint(field * 8 + wire);

/** Parts one after the other. */
export function joined(parts: readonly ArrayLike<number>[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** int64, enum: a whole number ≥ 0. */
export const wholeField = (field: number, value: number): Uint8Array =>
  joined([head(field, WIRE.varint), varint(value)]);

/** double. */
export function doubleField(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return joined([head(field, WIRE.eightBytes), bytes]);
}

/** float. */
export function floatField(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return joined([head(field, WIRE.fourBytes), bytes]);
}

/** bytes, or a message made of fields. */
export function bytesField(field: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return joined([head(field, WIRE.lengthDelimited), varint(length), ...parts]);
}

/** string. */
export const stringField = (field: number, value: string): Uint8Array => bytesField(field, utf8.encode(value));

/** repeated double, packed. */
export function doublesField(field: number, values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(8 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => view.setFloat64(8 * i, value, true));
  return bytesField(field, bytes);
}

/**
 * Reads TensorBoard event files apart from what writes them: TFRecord framing with its checksums, and of protocol buffers
 * what events are made of.
 *
 * Reference: "TFRecord and tf.train.Example", tensorflow.org; "Encoding", protobuf.dev; event.proto and summary.proto.
 */

/** One event: a scalar by its tag, or something else that stands at a step. */
export interface ReadEvent {
  readonly step: number;
  readonly scalars: Readonly<Record<string, number>>;
  readonly tags: readonly string[];
  readonly fileVersion?: string;
}

/** CRC-32C bit by bit, masked as TensorFlow does it. */
function maskedChecksum(bytes: Uint8Array): number {
  let rest = 0xffffffff;
  for (const byte of bytes) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? 0x82f63b78 : 0);
  }
  const crc = ~rest >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** The data of every record. @throws when a checksum is wrong or the file ends inside a record */
export function recordsOf(file: Uint8Array): Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const records: Uint8Array[] = [];
  for (let at = 0; at < file.length;) {
    const length = Number(view.getBigUint64(at, true));
    const data = file.subarray(at + 12, at + 12 + length);
    if (view.getUint32(at + 8, true) !== maskedChecksum(file.subarray(at, at + 8)))
      throw new Error(`the length at byte ${at} has another checksum`);
    if (view.getUint32(at + 12 + length, true) !== maskedChecksum(data))
      throw new Error(`the record at byte ${at} has another checksum`);
    records.push(data);
    at += 16 + length;
  }
  return records;
}

type Field = readonly [number: number, value: number | Uint8Array];

/** The fields of a message; numbers of eight bytes as doubles, of four as floats. */
function fieldsOf(message: Uint8Array): Field[] {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let weight = 1; ; weight *= 128) {
      const byte = message[at++];
      value += (byte & 127) * weight;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const head = varint();
    const [number, wire] = [head >>> 3, head & 7];
    if (wire === 0) fields.push([number, varint()]);
    else if (wire === 1) fields.push([number, view.getFloat64((at += 8) - 8, true)]);
    else if (wire === 5) fields.push([number, view.getFloat32((at += 4) - 4, true)]);
    else if (wire === 2) {
      const length = varint();
      fields.push([number, message.subarray(at, (at += length))]);
    } else throw new Error(`there is the wire type ${wire}`);
  }
  return fields;
}

const text = (bytes: number | Uint8Array | undefined): string => Buffer.from(bytes as Uint8Array).toString('utf8');

/** The events of a file, each record with its checksums. */
export const eventsOf = (file: Uint8Array): ReadEvent[] =>
  recordsOf(file).map((record) => {
    const fields = fieldsOf(record);
    const first = (number: number): Field[1] | undefined => fields.find(([one]) => one === number)?.[1];
    const summary = first(5) as Uint8Array | undefined;
    const values =
      summary === undefined ? [] : fieldsOf(summary).map(([, value]) => new Map(fieldsOf(value as Uint8Array)));
    const scalars = values.filter((value) => value.has(2)).map((value) => [text(value.get(1)), value.get(2)] as const);
    const version = first(3);
    return {
      step: (first(2) as number | undefined) ?? 0,
      scalars: Object.fromEntries(scalars) as Record<string, number>,
      tags: values.map((value) => text(value.get(1))),
      ...(version !== undefined && { fileVersion: text(version) }),
    };
  });

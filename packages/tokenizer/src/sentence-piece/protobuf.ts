import { modelFileError } from './model-file-error';

/** A field of a protobuf message: a number, or bytes. */
export type ProtobufField =
  | { readonly number: number; readonly value: number }
  | { readonly number: number; readonly bytes: Uint8Array }
  | { readonly number: number; readonly float: number };

/**
 * Reads the fields of a protobuf message in order, without copying: lengths are checked against what is there before
 * anything is made of them. Varints above 2^53 lose precision, which no field that is used here has.
 *
 * @throws E_TOKENIZER_JSON when the message is cut off or damaged
 * @see https://protobuf.dev/programming-guides/encoding
 */
export function* protobufFields(message: Uint8Array): Generator<ProtobufField> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= message.length) throw modelFileError('it is cut off');
      const byte = message[at++];
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw modelFileError('it has a number of more than ten bytes');
  };
  const take = (length: number): Uint8Array => {
    if (length > message.length - at) throw modelFileError(`a field of ${length} bytes goes beyond its end`);
    return message.subarray(at, (at += length));
  };
  while (at < message.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    if (number === 0) throw modelFileError('it has a field of number 0');
    switch (tag % 8) {
      case 0:
        yield { number, value: varint() };
        break;
      case 1:
        take(8);
        break;
      case 2:
        yield { number, bytes: take(varint()) };
        break;
      case 5: {
        const bytes = take(4);
        yield { number, float: new DataView(bytes.buffer, bytes.byteOffset, 4).getFloat32(0, true) };
        break;
      }
      default:
        throw modelFileError(`it has a field of wire type ${tag % 8}`);
    }
  }
}

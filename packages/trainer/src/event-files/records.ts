import { maskedCrc32c } from './crc32c';
import { joined } from './protobuf';

/** Bytes around the data of a record: length and its checksum before it, its own checksum after it. */
const BEFORE = 12;
const AFTER = 4;

/**
 * One record of a TFRecord file: length (8 bytes), its masked CRC-32C, the data, its masked CRC-32C.
 *
 * Reference: "TFRecord and tf.train.Example", tensorflow.org.
 */
export function tfRecord(data: Uint8Array): Uint8Array {
  const [before, after] = [new Uint8Array(BEFORE), new Uint8Array(AFTER)];
  const view = new DataView(before.buffer);
  view.setUint32(0, data.length, true); // a record of 4 GiB is none of ours
  view.setUint32(8, maskedCrc32c(before.subarray(0, 8)), true);
  new DataView(after.buffer).setUint32(0, maskedCrc32c(data), true);
  return joined([before, data, after]);
}

/** Where the last whole record of a file ends: the data and both checksums of all before it are right. */
export function endOfRecords(file: Uint8Array): number {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let at = 0;
  while (file.length - at >= BEFORE + AFTER) {
    if (view.getUint32(at + 8, true) !== maskedCrc32c(file.subarray(at, at + 8))) break;
    const length = view.getUint32(at, true);
    const end = at + BEFORE + length + AFTER;
    if (view.getUint32(at + 4, true) !== 0 || end > file.length) break;
    if (view.getUint32(end - AFTER, true) !== maskedCrc32c(file.subarray(at + BEFORE, end - AFTER))) break;
    at = end;
  }
  return at;
}

// Reads a zip archive (a Python wheel is one) without dependencies, one entry at a time, so that a library of
// 800 MB never stands in memory.
import { createReadStream, createWriteStream, closeSync, mkdirSync, openSync, readSync, fstatSync } from 'node:fs';
import path from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import zlib from 'node:zlib';

const endSignature = 0x06054b50;
const entrySignature = 0x02014b50;
const endBytes = 22;

/** @returns {{ name: string, method: number, crc: number, packed: number, size: number, offset: number }[]} */
export function listZip(file) {
  const handle = openSync(file, 'r');
  try {
    const { size } = fstatSync(handle);
    const tail = readAt(handle, Math.max(0, size - endBytes - 0xffff), Math.min(size, endBytes + 0xffff));
    let end = tail.length - endBytes;
    while (end >= 0 && tail.readUInt32LE(end) !== endSignature) end--;
    if (end < 0) throw new Error(`${file} is not a zip archive, or was cut off: download it again`);
    const count = tail.readUInt16LE(end + 10);
    const start = tail.readUInt32LE(end + 16);
    if (count === 0xffff || start === 0xffffffff)
      throw new Error(`${file} is a zip64 archive, which this reader does not know`);
    const directory = readAt(handle, start, tail.readUInt32LE(end + 12));
    const entries = [];
    for (let at = 0, i = 0; i < count; i++) {
      if (directory.readUInt32LE(at) !== entrySignature)
        throw new Error(`${file} has a broken directory: download it again`);
      const nameBytes = directory.readUInt16LE(at + 28);
      entries.push({
        name: directory.toString('utf8', at + 46, at + 46 + nameBytes),
        method: directory.readUInt16LE(at + 10),
        crc: directory.readUInt32LE(at + 16),
        packed: directory.readUInt32LE(at + 20),
        size: directory.readUInt32LE(at + 24),
        offset: directory.readUInt32LE(at + 42),
      });
      at += 46 + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
    }
    return entries;
  } finally {
    closeSync(handle);
  }
}

/** Writes one entry to a file and checks its length and checksum. */
export async function extractEntry(file, entry, target) {
  const handle = openSync(file, 'r');
  const header = readAt(handle, entry.offset, 30);
  closeSync(handle);
  const start = entry.offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  mkdirSync(path.dirname(target), { recursive: true });
  let size = 0;
  let crc = 0;
  const check = new Transform({
    transform(chunk, _encoding, done) {
      size += chunk.length;
      crc = zlib.crc32(chunk, crc);
      done(null, chunk);
    },
  });
  const unpack = entry.method === 8 ? [zlib.createInflateRaw()] : [];
  const packed = entry.packed === 0 ? [] : [createReadStream(file, { start, end: start + entry.packed - 1 })];
  await pipeline(
    packed.length === 0 ? [Buffer.alloc(0)] : packed[0],
    ...(packed.length === 0 ? [] : unpack),
    check,
    createWriteStream(target),
  );
  if (size !== entry.size || crc !== entry.crc)
    throw new Error(`${entry.name} in ${file} is damaged: download it again`);
}

function readAt(handle, position, length) {
  const buffer = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const read = readSync(handle, buffer, done, length - done, position + done);
    if (read === 0) throw new Error('the archive was cut off: download it again');
    done += read;
  }
  return buffer;
}

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openAppendFile } from '../../src/event-files/append-file';
import { crc32c, maskedCrc32c } from '../../src/event-files/crc32c';
import { restartRecord, summaryRecord, versionRecord } from '../../src/event-files/events';
import { histogramOf } from '../../src/event-files/histogram';
import { joined } from '../../src/event-files/protobuf';
import { endOfRecords, tfRecord } from '../../src/event-files/records';
import { scratchFolder } from '../scratch';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');

/** What TensorBoard 2.21's own messages and RecordWriter make of the same events (protobuf 7.36). */
const written = [
  '1800000000000000a37f4b220900002040fc54d9411a0d627261696e2e4576656e743a322b3531102b00000000000000861b',
  'c34b0900005040fc54d94110032a1e0a110a0a6c6f73732f747261696e15000020400a090a02c3a4150000c07f41a4ef9b69',
  '00000000000000360b3c6e0900008040fc54d9411080e497d0122a580a560a01772a5109000000000000f0bf110000000000',
  '000840190000000000001040210000000000001040290000000000002c403210000000000000f03f00000000000008403a10',
  '000000000000f03f0000000000000840a0d0fd5f2d000000000000003c418afb090000c040fc54d9412a220a200a0372756e',
  '420f08071204120208014205232048c3a94a080a060a04746578748df58e630f000000000000006d532b090900000041fc54',
  'd94110073a0208015f35ce2d',
].join('');

describe('the checksum', () => {
  it('is that of the catalogue', () => {
    expect(crc32c(bytes('123456789'))).toBe(0xe3069283);
    expect(crc32c(bytes(''))).toBe(0);
  });
  it('is that of RFC 3720, B.4', () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  });
  it('is masked as TensorFlow does it', () => {
    expect(maskedCrc32c(bytes('123456789'))).toBe((((0xe3069283 >>> 15) | (0xe3069283 << 17)) + 0xa282ead8) >>> 0);
  });
});

describe('event files', () => {
  it('are byte for byte what TensorBoard writes', () => {
    const histogram = { minimum: -1, maximum: 3, count: 4, sum: 4, sumOfSquares: 14, limits: [1, 3], counts: [1, 3] };
    const file = joined([
      versionRecord(1700000000.5),
      summaryRecord(1700000001.25, 3, [
        { tag: 'loss/train', scalar: 2.5 },
        { tag: 'ä', scalar: NaN },
      ]),
      summaryRecord(1700000002, 5_000_000_000, [{ tag: 'w', histogram }]),
      summaryRecord(1700000003, 0, [{ tag: 'run', text: '# Hé' }]),
      restartRecord(1700000004, 7),
    ]);
    expect(hex(file)).toBe(written);
  });

  it('end where the last whole record ends', () => {
    const records = [tfRecord(bytes('one')), tfRecord(bytes('')), tfRecord(bytes('three'))];
    const file = joined(records);
    const ends = [0, 19, 35, 56];
    for (let length = 0; length <= file.length; length++)
      expect(endOfRecords(file.subarray(0, length))).toBe(ends.filter((end) => end <= length).at(-1));
    for (let at = 0; at < file.length; at++) {
      const broken = file.slice();
      broken[at] ^= 1;
      expect(endOfRecords(broken)).toBe(ends.filter((end) => end <= at).at(-1)); // the records before the fault
    }
  });
});

describe('a histogram', () => {
  it('counts every finite number once', () => {
    const values = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i));
    const found = histogramOf([...values, NaN, Infinity])!;
    expect(found.counts.reduce((a, b) => a + b)).toBe(1000);
    expect(found.count).toBe(1000);
    expect(found.limits.at(-1)).toBe(Math.max(...values));
    found.limits.forEach((limit, i) => {
      const below = values.filter((value) => value < limit).length;
      const counted = found.counts.slice(0, i + 1).reduce((a, b) => a + b);
      expect(Math.abs(counted - below)).toBeLessThanOrEqual(i === found.limits.length - 1 ? 1 : 0);
    });
  });
  it('of one value has one bucket, and of none is absent', () => {
    expect(histogramOf([2, 2])).toMatchObject({ counts: [2], limits: [2], sum: 4, sumOfSquares: 8 });
    expect(histogramOf([NaN])).toBeUndefined();
  });
});

describe('a file that is added to', () => {
  const endOfLines = (data: Uint8Array): number => data.lastIndexOf(10) + 1;
  const read = (file: string): string => readFileSync(file, 'utf8');

  it('keeps what it is told to keep, up to the end of a record', () => {
    const file = path.join(scratchFolder(), 'deep', 'log');
    const first = openAppendFile(file, { keepBytes: 0, endOfRecords: endOfLines });
    for (const line of ['one\n', 'two\n', 'three\n']) first.append(bytes(line));
    expect(first.bytes).toBe(14);
    first.close();
    const second = openAppendFile(file, { keepBytes: 8, endOfRecords: endOfLines });
    second.append(bytes('drei\n'));
    second.sync();
    second.close();
    expect(second.cutShort).toBe(false);
    expect(read(file)).toBe('one\ntwo\ndrei\n');
    writeFileSync(file, 'one\ntw');
    const third = openAppendFile(file, { keepBytes: 8, endOfRecords: endOfLines });
    expect(third.cutShort).toBe(true);
    third.append(bytes('zwei\n'));
    third.close();
    expect(read(file)).toBe('one\nzwei\n');
    openAppendFile(file, { endOfRecords: endOfLines }).close();
    expect(read(file)).toBe('one\nzwei\n');
  });
  it('says when it cannot be opened', () => {
    const folder = scratchFolder();
    const open = (): unknown => openAppendFile(folder, { endOfRecords: endOfLines });
    expect(open).toThrow(/^\[trainer\] E_LOG_FILE: .* cannot be written \(EISDIR\); make room/);
  });
});

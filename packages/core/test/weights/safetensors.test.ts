import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint, openSafetensors, readSafetensors, safetensorsBytes, writeSafetensors } from '@tesserae/core';
import type { SafetensorsInput } from '@tesserae/core';
import { isTesseraeError } from '@tesserae/registry';
import { mountSmallDisk } from '../../../../test/support/small-disk';

let root: string;
beforeAll(() => void (root = mkdtempSync(path.join(tmpdir(), 'tesserae-safetensors-'))));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const codeOf = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: unknown) => (isTesseraeError(error) ? error.code : `uncoded: ${String(error)}`),
  );

/** A file with this header text and this many bytes of data. */
function fileOf(header: string | Uint8Array, dataBytes: number, length?: bigint): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + text.byteLength + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.byteLength), true);
  bytes.set(text, 8);
  return bytes;
}

const every: SafetensorsInput[] = [
  { name: 'f64', dtype: 'F64', shape: [2], data: new Float64Array([1.1, -2e300]) },
  { name: 'f32', dtype: 'F32', shape: [2, 1], data: new Float32Array([1.5, -2]) },
  { name: 'f16', dtype: 'F16', shape: [3], data: new Float32Array([1.5, -2, 65504]) },
  { name: 'bf16', dtype: 'BF16', shape: [1, 3], data: new Float32Array([1.5, -2, 2 ** 100]) },
  { name: 'f8a', dtype: 'F8_E4M3', shape: [3], data: new Float32Array([0.3125, -448, NaN]) },
  { name: 'f8b', dtype: 'F8_E5M2', shape: [1, 4], data: new Float32Array([0.3125, -57344, Infinity, NaN]) },
  { name: 'i64', dtype: 'I64', shape: [2], data: new BigInt64Array([-1n, 2n ** 62n]) },
  { name: 'u64', dtype: 'U64', shape: [1], data: new BigUint64Array([2n ** 63n]) },
  { name: 'i32', dtype: 'I32', shape: [2], data: new Int32Array([-5, 7]) },
  { name: 'u32', dtype: 'U32', shape: [1], data: new Uint32Array([2 ** 31]) },
  { name: 'i16', dtype: 'I16', shape: [1], data: new Int16Array([-5]) },
  { name: 'u16', dtype: 'U16', shape: [1], data: new Uint16Array([65535]) },
  { name: 'i8', dtype: 'I8', shape: [3], data: new Int8Array([-1, 0, 1]) },
  { name: 'u8', dtype: 'U8', shape: [1], data: new Uint8Array([255]) },
  { name: 'bool', dtype: 'BOOL', shape: [2], data: new Uint8Array([1, 0]) },
  { name: 'empty', dtype: 'F32', shape: [0, 3], data: new Float32Array(0) },
  { name: 'scalar', dtype: 'F32', shape: [], data: new Float32Array([7]) },
  { name: '__proto__', dtype: 'F32', shape: [], data: new Float32Array([8]) },
  { name: 'naïve "quoted" 名', dtype: 'F32', shape: [], data: new Float32Array([9]) },
];

describe('reading back what was written', () => {
  it('gives every type, from memory and from a file', async () => {
    const file = path.join(root, 'every.safetensors');
    await writeSafetensors(file, every, { format: 'pt', note: 'x' });
    for (const source of [file, await safetensorsBytes(every, { format: 'pt', note: 'x' })]) {
      const { tensors, metadata } = await readSafetensors(source);
      expect(metadata).toEqual({ format: 'pt', note: 'x' });
      expect([...tensors.keys()].sort()).toEqual(every.map(({ name }) => name).sort());
      for (const { name, dtype, shape, data } of every) {
        expect(tensors.get(name)).toEqual({ name, dtype, shape, data });
      }
    }
  });

  it('keeps 16-bit tensors raw when asked', async () => {
    const file = await openSafetensors(await safetensorsBytes(every));
    expect([...(await file.readRaw('f16'))]).toEqual([0x00, 0x3e, 0x00, 0xc0, 0xff, 0x7b]);
    const raw = await file.readRaw('bf16');
    const again = await safetensorsBytes([{ name: 'x', dtype: 'BF16', shape: [3], data: raw }]);
    expect((await readSafetensors(again)).tensors.get('x')?.data).toEqual(new Float32Array([1.5, -2, 2 ** 100]));
    expect(await codeOf(file.read('absent'))).toBe('E_TENSOR_NOT_FOUND');
    await file.close();
    await file.close();
    expect(await codeOf(file.read('f16'))).toBe('E_CLOSED');
  });

  it('writes the same bytes whatever the order, as the reference implementation does', async () => {
    const golden = readFileSync(path.join(__dirname, '../../../../test/golden/gpt2/model.safetensors'));
    const { tensors, metadata } = await readSafetensors(golden);
    const shuffled = [...tensors.values()].reverse();
    expect(Buffer.compare(await safetensorsBytes(shuffled, metadata), golden)).toBe(0);
    expect(await safetensorsBytes(every)).toEqual(await safetensorsBytes([...every].reverse()));
  });

  it('widens and rounds tensors larger than its buffers', async () => {
    const n = 1_200_007;
    const data = Float32Array.from({ length: n }, (_, i) => (i % 251) - 125);
    const bytes = await safetensorsBytes([
      { name: 'a', dtype: 'BF16', shape: [n], data: () => data },
      { name: 'b', dtype: 'F16', shape: [n], data: async () => data },
    ]);
    const file = path.join(root, 'large.safetensors');
    writeFileSync(file, bytes);
    const { tensors } = await readSafetensors(file);
    expect(Buffer.compare(Buffer.from((tensors.get('a')!.data as Float32Array).buffer), Buffer.from(data.buffer))).toBe(
      0,
    );
    expect(Buffer.compare(Buffer.from((tensors.get('b')!.data as Float32Array).buffer), Buffer.from(data.buffer))).toBe(
      0,
    );
  });
});

describe('what cannot be written', () => {
  const one = { name: 'w', dtype: 'F32', shape: [2], data: new Float32Array(2) } as const;
  it.each<[string, SafetensorsInput[], string]>([
    ['a name twice', [one, one], 'E_SAFETENSORS_DUPLICATE'],
    ['the reserved name', [{ ...one, name: '__metadata__' }], 'E_SAFETENSORS_DUPLICATE'],
    ['a name with NUL', [{ ...one, name: 'a\0b' }], 'E_SAFETENSORS_NAME'],
    ['a type that does not exist', [{ ...one, dtype: 'F8' as 'F32' }], 'E_SAFETENSORS_DTYPE'],
    ['too few values', [{ ...one, shape: [3] }], 'E_SAFETENSORS_SHAPE'],
    ['values of another type', [{ ...one, data: new Int32Array(2) }], 'E_SAFETENSORS_SHAPE'],
    ['a negative shape', [{ ...one, shape: [-1, -2] }], 'E_SAFETENSORS_SHAPE'],
  ])('%s', async (_, tensors, code) => {
    const file = path.join(root, 'refused.safetensors');
    expect(await codeOf(writeSafetensors(file, tensors))).toBe(code);
    expect(readdirSync(root).filter((name) => name.includes('refused'))).toEqual([]);
  });

  it('a model that does not fit on the disk leaves the previous one', async (context) => {
    const disk = mountSmallDisk('256k');
    if (!disk) return context.skip('mounting a tmpfs is not permitted here');
    try {
      const file = path.join(disk.folder, 'model.safetensors');
      await writeSafetensors(file, [one]);
      const before = readFileSync(file);
      const big = { name: 'big', dtype: 'F32', shape: [2 ** 17], data: new Float32Array(2 ** 17) } as const;
      expect(await codeOf(writeSafetensors(file, [big]))).toBe('E_DISK_FULL');
      expect(readFileSync(file).equals(before)).toBe(true);
      expect(readdirSync(disk.folder)).toEqual(['model.safetensors']);
    } finally {
      disk.unmount();
    }
  });
});

const entry = (dtype: string, shape: string, offsets: string): string =>
  `{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}}`;
const good = entry('"F32"', '[2]', '[0,8]');

const hostile: [string, Uint8Array, string][] = [
  ['an empty file', new Uint8Array(0), 'E_SAFETENSORS_TRUNCATED'],
  ['seven bytes', new Uint8Array(7), 'E_SAFETENSORS_TRUNCATED'],
  ['a header longer than the file', fileOf('{}', 0, 1000n), 'E_SAFETENSORS_TRUNCATED'],
  ['a header over the limit', fileOf('{}', 0, 100_000_001n), 'E_SAFETENSORS_HEADER'],
  ['a header of 2^64 - 1 bytes', fileOf('{}', 0, 2n ** 64n - 1n), 'E_SAFETENSORS_HEADER'],
  ['a header of no bytes', fileOf('', 0), 'E_SAFETENSORS_HEADER'],
  ['a header that is no JSON', fileOf('{"a":', 0), 'E_SAFETENSORS_HEADER'],
  ['a header that is no UTF-8', fileOf(new Uint8Array([0x7b, 0xff, 0x7d]), 0), 'E_SAFETENSORS_HEADER'],
  ['a header that is an array', fileOf('[1,2]', 0), 'E_SAFETENSORS_HEADER'],
  ['a header nested deeply', fileOf(`{"a":${'['.repeat(100_000)}`, 0), 'E_SAFETENSORS_HEADER'],
  ['metadata that are no texts', fileOf('{"__metadata__":{"a":1}}', 0), 'E_SAFETENSORS_HEADER'],
  ['an entry that is no object', fileOf('{"a":1}', 0), 'E_SAFETENSORS_HEADER'],
  ['a name twice', fileOf(`{"a":${good},"a":${good}}`, 8), 'E_SAFETENSORS_DUPLICATE'],
  ['a name twice, once escaped', fileOf(`{"a":${good},"\\u0061":${good}}`, 8), 'E_SAFETENSORS_DUPLICATE'],
  ['a field twice', fileOf('{"a":{"dtype":"F32","dtype":"I32"}}', 8), 'E_SAFETENSORS_DUPLICATE'],
  ['a name with NUL', fileOf(`{"a\\u0000":${good}}`, 8), 'E_SAFETENSORS_NAME'],
  ['an empty name', fileOf(`{"":${good}}`, 8), 'E_SAFETENSORS_NAME'],
  ['an unknown type', fileOf(`{"a":${entry('"F4"', '[2]', '[0,8]')}}`, 8), 'E_SAFETENSORS_DTYPE'],
  ['a type of a prototype', fileOf(`{"a":${entry('"toString"', '[2]', '[0,8]')}}`, 8), 'E_SAFETENSORS_DTYPE'],
  ['no type', fileOf('{"a":{"shape":[2],"data_offsets":[0,8]}}', 8), 'E_SAFETENSORS_DTYPE'],
  ['no shape', fileOf('{"a":{"dtype":"F32","data_offsets":[0,8]}}', 8), 'E_SAFETENSORS_SHAPE'],
  ['a negative dimension', fileOf(`{"a":${entry('"F32"', '[-2]', '[0,8]')}}`, 8), 'E_SAFETENSORS_SHAPE'],
  ['a broken dimension', fileOf(`{"a":${entry('"F32"', '[1.5]', '[0,8]')}}`, 8), 'E_SAFETENSORS_SHAPE'],
  [
    'a shape that overflows',
    fileOf(`{"a":${entry('"F32"', '[4294967296,4294967296]', '[0,8]')}}`, 8),
    'E_SAFETENSORS_SHAPE',
  ],
  ['a shape of another size', fileOf(`{"a":${entry('"F32"', '[3]', '[0,8]')}}`, 8), 'E_SAFETENSORS_SHAPE'],
  [
    'a zero that hides an overflow',
    fileOf(`{"a":${entry('"F32"', '[0,1e15,1e15]', '[0,8]')}}`, 8),
    'E_SAFETENSORS_SHAPE',
  ],
  ['offsets that are negative', fileOf(`{"a":${entry('"F32"', '[2]', '[-8,0]')}}`, 8), 'E_SAFETENSORS_OFFSETS'],
  ['offsets backwards', fileOf(`{"a":${entry('"F32"', '[2]', '[8,0]')}}`, 8), 'E_SAFETENSORS_OFFSETS'],
  ['three offsets', fileOf(`{"a":${entry('"F32"', '[2]', '[0,8,8]')}}`, 8), 'E_SAFETENSORS_OFFSETS'],
  ['offsets beyond 2^53', fileOf(`{"a":${entry('"F32"', '[2]', '[1e300,1e300]')}}`, 8), 'E_SAFETENSORS_OFFSETS'],
  ['a tensor beyond the end', fileOf(`{"a":${good}}`, 7), 'E_SAFETENSORS_TRUNCATED'],
  ['overlapping tensors', fileOf(`{"a":${good},"b":${entry('"F32"', '[2]', '[4,12]')}}`, 12), 'E_SAFETENSORS_OFFSETS'],
  [
    'one tensor inside another',
    fileOf(`{"a":${good},"b":${entry('"F32"', '[1]', '[4,8]')}}`, 8),
    'E_SAFETENSORS_OFFSETS',
  ],
  ['a gap', fileOf(`{"a":${good},"b":${entry('"F32"', '[1]', '[12,16]')}}`, 16), 'E_SAFETENSORS_OFFSETS'],
  ['a gap at the start', fileOf(`{"a":${entry('"F32"', '[1]', '[4,8]')}}`, 8), 'E_SAFETENSORS_OFFSETS'],
  ['bytes behind the last tensor', fileOf(`{"a":${good}}`, 9), 'E_SAFETENSORS_OFFSETS'],
];

describe('files that are damaged or hostile', () => {
  it.each(hostile)('%s', async (_, bytes, code) => {
    expect(await codeOf(openSafetensors(bytes))).toBe(code);
    const file = path.join(root, 'hostile.safetensors');
    writeFileSync(file, bytes);
    expect(await codeOf(openSafetensors(file))).toBe(code);
  });

  it('a file that is absent, a folder, cut while open', async () => {
    expect(await codeOf(openSafetensors(path.join(root, 'absent')))).toBe('E_NOT_FOUND');
    expect(await codeOf(openSafetensors(root))).toBe('E_NOT_READABLE');
    const file = path.join(root, 'cut.safetensors');
    await writeSafetensors(file, every);
    const open = await openSafetensors(file);
    truncateSync(file, readFileSync(file).length - 4);
    const codes = await Promise.all(every.map(({ name }) => codeOf(open.read(name))));
    expect(codes).toContain('E_SAFETENSORS_TRUNCATED');
    await open.close();
  });

  it('allocates nothing for a header that claims more than the file', async () => {
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 20; i++) await codeOf(openSafetensors(fileOf('{}', 0, 99_999_999n)));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
  });

  it('any mutation of a header gives a coded error or a file that reads', async () => {
    const bytes = Buffer.from(await safetensorsBytes(every.slice(0, 6)));
    const end = 8 + Number(bytes.readBigUInt64LE(0));
    const edit = fc.record({
      at: fc.nat(end - 1),
      cut: fc.nat(6),
      put: fc.oneof(
        fc.uint8Array({ maxLength: 4 }),
        fc.constantFrom('"', '{', '}', '[', ']', '-', '9', ',', '\\u0000').map((c) => Buffer.from(c)),
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), fc.boolean(), async (edits, fixLength) => {
        let mutated = bytes;
        for (const { at, cut, put } of edits) {
          mutated = Buffer.concat([mutated.subarray(0, at), put, mutated.subarray(at + cut)]);
        }
        if (fixLength && mutated.length > 8) {
          mutated.writeBigUInt64LE(BigInt(Math.max(0, end - 8 + mutated.length - bytes.length)), 0);
        }
        const found = await codeOf(readSafetensors(mutated));
        expect(found).toMatch(/^(none|E_[A-Z_]+)$/);
      }),
      { numRuns: 2000, seed: 7 },
    );
  });
});

describe('checkpoints', () => {
  const shard = (name: string): SafetensorsInput[] => [{ name, dtype: 'F32', shape: [1], data: new Float32Array([1]) }];
  const folderWith = async (index: unknown, shards: Record<string, SafetensorsInput[]>): Promise<string> => {
    const folder = mkdtempSync(path.join(root, 'sharded-'));
    const text = typeof index === 'string' ? index : JSON.stringify(index);
    writeFileSync(path.join(folder, 'model.safetensors.index.json'), text);
    for (const [file, tensors] of Object.entries(shards)) await writeSafetensors(path.join(folder, file), tensors);
    return folder;
  };

  it('reads shards as one', async () => {
    const map = { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' };
    const folder = await folderWith(
      { metadata: { total_size: 8 }, weight_map: map },
      { [map.a]: shard('a'), [map.b]: [...shard('b'), ...shard('not listed')] },
    );
    const checkpoint = await openCheckpoint(folder);
    expect([...checkpoint.entries.keys()].sort()).toEqual(['a', 'b', 'not listed']);
    expect((await checkpoint.read('b')).data).toEqual(new Float32Array([1]));
    expect(await codeOf(checkpoint.read('c'))).toBe('E_TENSOR_NOT_FOUND');
    await checkpoint.close();
  });

  it('follows a link, as download caches use', async () => {
    const folder = mkdtempSync(path.join(root, 'linked-'));
    await writeSafetensors(path.join(root, 'blob'), shard('a'));
    symlinkSync(path.join(root, 'blob'), path.join(folder, 'model.safetensors'));
    const checkpoint = await openCheckpoint(folder);
    expect(checkpoint.entries.size).toBe(1);
    await checkpoint.close();
  });

  const file = 'model-00001-of-00001.safetensors';
  it.each<[string, unknown, string]>([
    ['no weight map', {}, 'E_SHARD_INDEX'],
    ['no object', 'null', 'E_SHARD_INDEX'],
    ['no JSON', '{', 'E_JSON'],
    ['a name twice', `{"weight_map":{"a":"${file}","a":"${file}"}}`, 'E_JSON'],
    ['an empty map', { weight_map: {} }, 'E_SHARD_INDEX'],
    ['a shard above', { weight_map: { a: '../x.safetensors' } }, 'E_PATH_ESCAPE'],
    ['a shard elsewhere', { weight_map: { a: '/etc/passwd' } }, 'E_PATH_ESCAPE'],
    ['a shard with NUL', { weight_map: { a: 'a\0' } }, 'E_PATH_ESCAPE'],
    ['a shard on another drive', { weight_map: { a: 'C:x' } }, 'E_PATH_ESCAPE'],
    ['a shard with backslashes', { weight_map: { a: '..\\x' } }, 'E_PATH_ESCAPE'],
    ['a shard that is no text', { weight_map: { a: 1 } }, 'E_PATH_ESCAPE'],
    ['a shard that is absent', { weight_map: { a: 'absent.safetensors' } }, 'E_NOT_FOUND'],
    ['a tensor that is absent', { weight_map: { a: file, b: file } }, 'E_SHARD_INDEX'],
  ])('refuses an index with %s', async (_, index, code) => {
    expect(await codeOf(openCheckpoint(await folderWith(index, { [file]: shard('a') })))).toBe(code);
  });

  it('says what a folder without weights lacks', async () => {
    expect(await codeOf(openCheckpoint(root))).toBe('E_NOT_FOUND');
  });
});

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';

interface Entry {
  name: string;
  size: number;
}
interface ZipReader {
  listZip(file: string): Entry[];
  extractEntry(file: string, entry: Entry, target: string): Promise<void>;
}

const reader = path.join(__dirname, '..', 'setup', 'zip.mjs');
const { listZip, extractEntry } = (await import(reader)) as ZipReader;

const folder = mkdtempSync(path.join(os.tmpdir(), 'tesserae-zip-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const contents: Record<string, Buffer> = {
  'stored.bin': Buffer.from([1, 2, 3]),
  'folder/deflated.txt': Buffer.from('a rose is a rose '.repeat(5000)),
  'empty.txt': Buffer.alloc(0),
};

/** An archive as any tool writes it: local headers and data, the directory, its end. */
function archive(spoil = false): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, data] of Object.entries(contents)) {
    const method = name.includes('deflated') ? 8 : 0;
    const packed = method === 8 ? zlib.deflateRawSync(data) : data;
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE(method, 4);
    shared.writeUInt32LE((zlib.crc32(data) ^ (spoil ? 1 : 0)) >>> 0, 10);
    shared.writeUInt32LE(packed.length, 14);
    shared.writeUInt32LE(data.length, 18);
    shared.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), shared, Buffer.from(name), packed]);
    const central = Buffer.alloc(46);
    central.write('PK\x01\x02', 'latin1');
    shared.copy(central, 6);
    central.writeUInt32LE(offset, 42);
    parts.push(local);
    directory.push(central, Buffer.from(name));
    offset += local.length;
  }
  const listing = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(Object.keys(contents).length, 10);
  end.writeUInt32LE(listing.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, listing, end]);
}

function write(name: string, bytes: Buffer): string {
  const file = path.join(folder, name);
  writeFileSync(file, bytes);
  return file;
}

describe('the zip reader of the set-up scripts', () => {
  it('lists and extracts stored, deflated and empty entries', async () => {
    const file = write('good.zip', archive());
    const entries = listZip(file);
    expect(entries.map(({ name }) => name)).toEqual(Object.keys(contents));
    for (const entry of entries) {
      const target = path.join(folder, 'out', entry.name);
      await extractEntry(file, entry, target);
      expect(readFileSync(target).equals(contents[entry.name] as Buffer)).toBe(true);
    }
  });

  it('reads what another tool wrote', async (context) => {
    const script = `import zipfile,sys\nwith zipfile.ZipFile(sys.argv[1],'w',zipfile.ZIP_DEFLATED) as z: z.writestr('a/b.txt','tile '*1000)`;
    const file = path.join(folder, 'python.zip');
    try {
      execFileSync('python3', ['-c', script, file], { stdio: 'ignore' });
    } catch {
      return context.skip('python3 is not here');
    }
    const [entry] = listZip(file) as [Entry];
    await extractEntry(file, entry, path.join(folder, 'b.txt'));
    expect(readFileSync(path.join(folder, 'b.txt'), 'utf8')).toBe('tile '.repeat(1000));
    return undefined;
  });

  it('refuses what was cut off, is no archive, or was damaged', async () => {
    const whole = archive();
    expect(() => listZip(write('cut.zip', whole.subarray(0, whole.length - 30)))).toThrow(
      'is not a zip archive, or was cut off: download it again',
    );
    expect(() => listZip(write('text.zip', Buffer.from('hello')))).toThrow('is not a zip archive');
    const file = write('spoilt.zip', archive(true));
    const [first] = listZip(file) as [Entry];
    await expect(extractEntry(file, first, path.join(folder, 'spoilt'))).rejects.toThrow('stored.bin in');
  });
});

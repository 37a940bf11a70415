import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { atomicWrite, atomicWriteFolder } from '@tesserae/core';
import { isTesseraeError } from '@tesserae/registry';
import { mountSmallDisk } from '../../../../test/support/small-disk';

let root: string;
beforeAll(() => void (root = mkdtempSync(path.join(tmpdir(), 'tesserae-atomic-'))));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const failure = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.unreachable('the write should have failed'),
    (error: unknown) => error,
  );
const deadPid = (): number => spawnSync(process.execPath, ['-e', '']).pid;
const leftover = (base: string, ending: string): string =>
  `.${base}.${createHash('sha256').update(hostname()).digest('hex').slice(0, 8)}.${deadPid()}.abc.${ending}`;

describe('atomicWrite', () => {
  it('replaces a file by what the writer gave, and leaves nothing else', async () => {
    const file = path.join(root, 'deep', 'er', 'a.txt');
    await atomicWrite(file, (out) => out.write(bytes('one')));
    await atomicWrite(file, async (out) => {
      await out.write(bytes('two'));
      await out.write(bytes('three'));
      expect(out.bytesWritten).toBe(8);
      expect(readFileSync(file, 'utf8')).toBe('one');
    });
    expect(readFileSync(file, 'utf8')).toBe('twothree');
    expect(readdirSync(path.dirname(file))).toEqual(['a.txt']);
  });

  it('leaves the file as it was when the writer throws, and hands its error on', async () => {
    const folder = path.join(root, 'throwing');
    const file = path.join(folder, 'a.txt');
    await atomicWrite(file, (out) => out.write(bytes('good')));
    const own = new Error('my own');
    const error = await failure(
      atomicWrite(file, async (out) => {
        await out.write(bytes('bad'));
        throw own;
      }),
    );
    expect(error).toBe(own);
    expect(readFileSync(file, 'utf8')).toBe('good');
    expect(readdirSync(folder)).toEqual(['a.txt']);
  });

  it('sweeps what a killed process left, but not what a living one is writing', async () => {
    const folder = path.join(root, 'sweep');
    mkdirSync(folder);
    const living = leftover('a.txt', 'tmp').replace(/\.\d+\.abc/, `.${process.pid}.abc`);
    writeFileSync(path.join(folder, leftover('a.txt', 'tmp')), 'half');
    writeFileSync(path.join(folder, living), 'half');
    await atomicWrite(path.join(folder, 'a.txt'), (out) => out.write(bytes('x')));
    expect(readdirSync(folder).sort()).toEqual([living, 'a.txt'].sort());
  });

  it('names a place that cannot be written to', async () => {
    writeFileSync(path.join(root, 'file'), '');
    const below = path.join(root, 'file', 'a.txt');
    expect(isTesseraeError(await failure(atomicWrite(below, () => undefined)), 'E_NOT_WRITABLE')).toBe(true);
    mkdirSync(path.join(root, 'is-folder'));
    const error = await failure(atomicWrite(path.join(root, 'is-folder'), () => undefined));
    expect(isTesseraeError(error, 'E_NOT_WRITABLE')).toBe(true);
    expect(readdirSync(root).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect(isTesseraeError(await failure(atomicWrite('', () => undefined)), 'E_PATH')).toBe(true);
    expect(isTesseraeError(await failure(atomicWrite('a\0b', () => undefined)), 'E_PATH')).toBe(true);
  });

  it('on a full disk keeps the previous file and no temporary one', async (context) => {
    const disk = mountSmallDisk('64k');
    if (!disk) return context.skip('mounting a tmpfs is not permitted here');
    try {
      const file = path.join(disk.folder, 'a.bin');
      await atomicWrite(file, (out) => out.write(bytes('previous')));
      const error = await failure(atomicWrite(file, (out) => out.write(new Uint8Array(2 ** 18))));
      expect(isTesseraeError(error, 'E_DISK_FULL')).toBe(true);
      expect(readFileSync(file, 'utf8')).toBe('previous');
      expect(readdirSync(disk.folder)).toEqual(['a.bin']);
      const folder = path.join(disk.folder, 'step-1');
      const second = await failure(
        atomicWriteFolder(folder, (staging) => writeFileSync(path.join(staging, 'big'), new Uint8Array(2 ** 18))),
      );
      expect(isTesseraeError(second, 'E_DISK_FULL')).toBe(true);
      expect(readdirSync(disk.folder)).toEqual(['a.bin']);
    } finally {
      disk.unmount();
    }
  });

  it('on a read-only disk says so', async (context) => {
    const disk = mountSmallDisk('64k');
    if (!disk) return context.skip('mounting a tmpfs is not permitted here');
    try {
      const file = path.join(disk.folder, 'a.bin');
      await atomicWrite(file, (out) => out.write(bytes('previous')));
      execFileSync('mount', ['-o', 'remount,ro', disk.folder]);
      const error = await failure(atomicWrite(file, (out) => out.write(bytes('new'))));
      expect(isTesseraeError(error, 'E_NOT_WRITABLE')).toBe(true);
      expect((error as Error).message).toMatch(/EROFS/);
      expect(readFileSync(file, 'utf8')).toBe('previous');
    } finally {
      disk.unmount();
    }
  });
});

describe('atomicWriteFolder', () => {
  it('puts a complete folder in place of an old one', async () => {
    const folder = path.join(root, 'folders', 'step');
    await atomicWriteFolder(folder, (staging) => writeFileSync(path.join(staging, 'a'), '1'));
    await atomicWriteFolder(folder, (staging) => {
      mkdirSync(path.join(staging, 'inner'));
      writeFileSync(path.join(staging, 'inner', 'b'), '2');
    });
    expect(readdirSync(path.dirname(folder))).toEqual(['step']);
    expect(readdirSync(folder)).toEqual(['inner']);
  });

  it('leaves the old folder when the writer throws', async () => {
    const folder = path.join(root, 'folders', 'kept');
    await atomicWriteFolder(folder, (staging) => writeFileSync(path.join(staging, 'a'), '1'));
    await failure(
      atomicWriteFolder(folder, () => {
        throw new Error('no');
      }),
    );
    expect(readFileSync(path.join(folder, 'a'), 'utf8')).toBe('1');
    expect(readdirSync(path.dirname(folder)).filter((name) => name.includes('kept'))).toEqual(['kept']);
  });

  it('brings back a folder that a killed process had set aside', async () => {
    const parent = path.join(root, 'aside');
    mkdirSync(path.join(parent, leftover('step', 'old')), { recursive: true });
    writeFileSync(path.join(parent, readdirSync(parent)[0], 'a'), 'only copy');
    await failure(
      atomicWriteFolder(path.join(parent, 'step'), () => {
        throw new Error('no');
      }),
    );
    expect(readFileSync(path.join(parent, 'step', 'a'), 'utf8')).toBe('only copy');
    expect(readdirSync(parent)).toEqual(['step']);
  });
});

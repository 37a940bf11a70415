import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint, writeCheckpoint } from '@tesserae/core';
import type { SafetensorsInput } from '@tesserae/core';
import { isTesseraeError } from '@tesserae/registry';
import { mountSmallDisk } from '../../../../test/support/small-disk';

let root: string;
beforeAll(() => void (root = mkdtempSync(path.join(tmpdir(), 'tesserae-write-'))));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const folderIn = (): string => mkdtempSync(path.join(root, 'model-'));
const tensor = (name: string, length: number): SafetensorsInput => ({
  name,
  dtype: 'F32',
  shape: [length],
  data: () => new Float32Array(length).fill(name.length),
});
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: unknown) => (isTesseraeError(error) ? error.code : String(error)),
  );

describe('shards', () => {
  it('are filled in order, as Hugging Face fills them, and listed in its form', async () => {
    const folder = folderIn();
    const sizes = [6, 6, 2, 6, 2, 2, 30];
    const tensors = sizes.map((size, i) => tensor(`layers.${i}.weight`, size));
    const files = await writeCheckpoint(folder, tensors, {
      maxShardBytes: 40,
      beside: { 'config.json': Buffer.from('{}') },
    });
    // the one that is larger than a shard gets one of its own, before the one that is still open
    const shard = (n: number): string => `model-0000${n}-of-00004.safetensors`;
    expect(files).toEqual([1, 2, 3, 4].map(shard));
    expect(readFileSync(path.join(folder, 'model.safetensors.index.json'), 'utf8')).toBe(
      [
        '{',
        '  "metadata": {',
        '    "total_parameters": 54,',
        '    "total_size": 216',
        '  },',
        '  "weight_map": {',
        ...[1, 2, 2, 4, 4, 4, 3].map((n, i) => `    "layers.${i}.weight": "${shard(n)}"${i < 6 ? ',' : ''}`),
        '  }',
        '}',
        '',
      ].join('\n'),
    );
    const checkpoint = await openCheckpoint(folder);
    expect([...checkpoint.entries.keys()].sort()).toEqual(tensors.map(({ name }) => name));
    expect((await checkpoint.read('layers.6.weight')).data).toEqual(new Float32Array(30).fill(15));
    await checkpoint.close();
    expect(readdirSync(folder)).toContain('config.json');
  });

  it('leave nothing of the checkpoint before them, nor it of them', async () => {
    const folder = folderIn();
    const all = ['a', 'b', 'c'].map((name) => tensor(name, 4));
    expect(await writeCheckpoint(folder, all)).toEqual(['model.safetensors']);
    expect(await writeCheckpoint(folder, all, { maxShardBytes: 16 })).toHaveLength(3);
    expect(readdirSync(folder)).toHaveLength(4);
    expect(await writeCheckpoint(folder, all, { maxShardBytes: 32 })).toHaveLength(2);
    expect(readdirSync(folder)).toHaveLength(3);
    await writeCheckpoint(folder, all);
    expect(readdirSync(folder)).toEqual(['model.safetensors']);
  });

  it('appear together or not at all', async (context) => {
    const disk = mountSmallDisk('256k');
    if (!disk) return context.skip('mounting a tmpfs is not permitted here');
    try {
      await writeCheckpoint(disk.folder, [tensor('a', 100), tensor('b', 100)], { maxShardBytes: 400 });
      const before = readdirSync(disk.folder).map((name) => readFileSync(path.join(disk.folder, name), 'latin1'));
      const large = ['a', 'b', 'c'].map((name) => tensor(name, 30_000));
      expect(await codeOf(writeCheckpoint(disk.folder, large, { maxShardBytes: 130_000 }))).toBe('E_DISK_FULL');
      expect(readdirSync(disk.folder).map((name) => readFileSync(path.join(disk.folder, name), 'latin1'))).toEqual(
        before,
      );
    } finally {
      disk.unmount();
    }
  });

  it('are refused before anything is written when they cannot be', async () => {
    const folder = folderIn();
    for (const maxShardBytes of [0, -1, 1.5, Number.NaN]) {
      expect(await codeOf(writeCheckpoint(folder, [tensor('a', 1)], { maxShardBytes }))).toBe('E_SHARD_SIZE');
    }
    const twice = [tensor('a', 4), tensor('a', 4)];
    expect(await codeOf(writeCheckpoint(folder, twice, { maxShardBytes: 16 }))).toBe('E_SAFETENSORS_DUPLICATE');
    const beside = { '../x': new Uint8Array(1) };
    expect(await codeOf(writeCheckpoint(folder, [tensor('a', 4)], { beside }))).toBe('E_PATH_ESCAPE');
    expect(readdirSync(folder)).toEqual([]);
  });
});

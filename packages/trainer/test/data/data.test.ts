import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createBatchSampler, createTokenDataset, readTextFile } from '@tesserae/trainer';
import { describe, expect, it } from 'vitest';

const folder = mkdtempSync(path.join(tmpdir(), 'trainer-data-'));
const file = (name: string, content: string | Uint8Array): string => {
  const full = path.join(folder, name);
  writeFileSync(full, content);
  return full;
};

describe('readTextFile', () => {
  it('reads UTF-8, and leaves a byte order mark out', async () => {
    const text = 'Ærlig talt 🐚\n';
    expect(await readTextFile(file('plain.txt', text))).toBe(text);
    expect(await readTextFile(file('mark.txt', `\ufeff${text}`))).toBe(text);
  });
  it('reads characters that cross a chunk', async () => {
    const text = `a${'🐚'.repeat(2 ** 20 + 3)}`; // 4 bytes each, shifted by one: every chunk ends inside one
    expect((await readTextFile(file('long.txt', text))) === text).toBe(true);
  });
  it('refuses what is no text', async () => {
    await expect(readTextFile(file('binary.bin', Uint8Array.of(80, 75, 3, 4, 0, 1)))).rejects.toThrow(
      /E_NOT_TEXT: .*binary\.bin is not a text file: it has a NUL byte at position 4; give plain text in UTF-8/,
    );
    await expect(readTextFile(file('latin.txt', Uint8Array.of(0x63, 0x61, 0x66, 0xe9, 0x0a)))).rejects.toThrow(
      'not valid UTF-8',
    );
    await expect(readTextFile(file('cut.txt', Uint8Array.of(0x61, 0xf0, 0x9f)))).rejects.toThrow('at its end');
  });
  it('refuses an empty file, a missing one and a folder', async () => {
    await expect(readTextFile(file('empty.txt', ''))).rejects.toThrow('E_EMPTY_TEXT');
    await expect(readTextFile(file('blank.txt', ' \n\n'))).rejects.toThrow('E_EMPTY_TEXT');
    await expect(readTextFile(path.join(folder, 'absent.txt'))).rejects.toThrow('E_NOT_FOUND');
    await expect(readTextFile(folder)).rejects.toThrow('E_NOT_READABLE');
    await expect(readTextFile('')).rejects.toThrow('E_OPTION');
  });
});

describe('createTokenDataset', () => {
  it('splits as nanoGPT does and fingerprints both parts', () => {
    const ids = Array.from({ length: 101 }, (_, i) => i);
    const dataset = createTokenDataset(ids);
    expect(dataset.train).toEqual(Int32Array.from(ids.slice(0, 90)));
    expect(dataset.validation).toEqual(Int32Array.from(ids.slice(90)));
    expect(createTokenDataset(ids).fingerprint).toBe(dataset.fingerprint);
    expect(createTokenDataset(ids, { validationFraction: 0.2 }).fingerprint).not.toBe(dataset.fingerprint);
    expect(createTokenDataset([...ids.slice(1), 0]).fingerprint).not.toBe(dataset.fingerprint);
  });
  it('refuses what holds no tokens', () => {
    expect(() => createTokenDataset('')).toThrow('E_EMPTY_TEXT');
    expect(() => createTokenDataset([])).toThrow('E_EMPTY_TEXT');
    expect(() => createTokenDataset('text')).toThrow('E_TOKENIZER');
    expect(() => createTokenDataset([1, 2.5])).toThrow('E_VOCABULARY: position 1 holds 2.5, which is no token id');
    expect(() => createTokenDataset([-1])).toThrow('E_VOCABULARY');
    expect(() => createTokenDataset(7 as never)).toThrow('E_OPTION: the data must be text, token ids or a dataset');
    expect(() => createTokenDataset([1], { validationFracton: 0.1 } as never)).toThrow(
      "did you mean 'validationFraction'?",
    );
  });
});

describe('createBatchSampler', () => {
  const tokens = Int32Array.from({ length: 1000 }, (_, i) => i);
  const options = { batchSize: 4, contextLength: 8, seed: 3 };

  it('gives windows, and as labels the ids that follow', () => {
    const { inputIds, labels } = createBatchSampler(tokens, options)(5);
    expect(inputIds.length).toBe(32);
    for (let i = 0; i < 32; i++) {
      expect(labels[i]).toBe(inputIds[i] + 1);
      if (i % 8 > 0) expect(inputIds[i]).toBe(inputIds[i - 1] + 1);
    }
  });
  it('knows the batch of any step without those before, the same every time', () => {
    const one = createBatchSampler(tokens, options);
    const other = createBatchSampler(tokens, options);
    for (let step = 0; step < 20; step++) one(step);
    expect(other(20)).toEqual(one(20));
    expect(other(3)).toEqual(one(3));
    expect(other(3)).not.toEqual(other(4));
    expect(createBatchSampler(tokens, { ...options, seed: 4 })(3)).not.toEqual(other(3));
  });
  it('draws rows that do not depend on how many are drawn', () => {
    const small = createBatchSampler(tokens, { ...options, batchSize: 2 })(9);
    const large = createBatchSampler(tokens, options)(9);
    expect(large.inputIds.subarray(0, 16)).toEqual(small.inputIds);
  });
  it('reaches the first and the last window, and stays inside', () => {
    const few = createBatchSampler(Int32Array.of(0, 1, 2, 3, 4), { batchSize: 64, contextLength: 3 })(0);
    const starts = new Set(Array.from({ length: 64 }, (_, row) => few.inputIds[row * 3]));
    expect(starts).toEqual(new Set([0, 1]));
  });
  it('shows every row once per epoch, in a new order each time', () => {
    const sampler = createBatchSampler(tokens, { ...options, order: 'epochs', batchSize: 31 }); // 124 rows: 4 batches
    const epoch = (first: number): number[] =>
      [0, 1, 2, 3].flatMap((i) => Array.from({ length: 31 }, (_, row) => sampler(first + i).inputIds[row * 8]));
    const [one, two] = [epoch(0), epoch(4)];
    const all = Array.from({ length: 124 }, (_, i) => i * 8);
    expect([...one].sort((a, b) => a - b)).toEqual(all);
    expect([...two].sort((a, b) => a - b)).toEqual(all);
    expect(two).not.toEqual(one);
    expect(createBatchSampler(tokens, { ...options, order: 'epochs', batchSize: 31 })(6)).toEqual(sampler(6));
  });
  it('refuses a text that is too short', () => {
    expect(() => createBatchSampler(Int32Array.of(1, 2, 3), { batchSize: 1, contextLength: 3 })).toThrow(
      '[trainer] E_TEXT_TOO_SHORT: the training text has 3 tokens; a context of 3 needs at least 4; give more text or shorten contextLength',
    );
    expect(() => createBatchSampler(tokens, options)(-1)).toThrow('E_OPTION');
    expect(() => createBatchSampler(tokens, { ...options, order: 'sorted' as never })).toThrow("'windows', 'epochs'");
  });
});

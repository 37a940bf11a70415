import '@tensorflow/tfjs-backend-cpu';
import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { selectBackend } from '@tesserae/core';
import { trainByteLevelBpe } from '@tesserae/tokenizer';
import type { Tokenizer } from '@tesserae/tokenizer';
import {
  createBatchSampler,
  createTokenDataset,
  openTokenCache,
  readRows,
  rowSource,
  tokenizeToCache,
  train,
} from '@tesserae/trainer';
import type { TokenCache } from '@tesserae/trainer';
import { beforeAll, describe, expect, it } from 'vitest';
import { scratchFolder } from '../scratch';
import { disposeModel, tinyModel } from '../tiny-model';

const rows = Array.from({ length: 100 }, (_, i) => ({ text: `row number ${i} of a hundred` }));
const tokenizer = trainByteLevelBpe(rows.map(({ text }) => text).join('\n'), { vocabSize: 270 });
const all = (cache: TokenCache): number[] => Array.from(cache.train.read(0, cache.train.length));

beforeAll(() => selectBackend({ prefer: 'cpu', log: false }));

describe('tokenizeToCache', () => {
  it('keeps the ids of all texts, split by rows, and reuses them', async () => {
    const folder = path.join(scratchFolder(), 'cache');
    const reports: number[] = [];
    const options = { tokenizer, folder, onProgress: ({ rows: done }: { rows: number }) => void reports.push(done) };
    const cache = await tokenizeToCache(rowSource(rows), options);
    const isKept = (i: number): boolean => i % 10 === 9;
    const ids = (some: typeof rows): number[] => some.flatMap(({ text }) => Array.from(tokenizer.encode(text)));
    expect(all(cache)).toEqual(ids(rows.filter((_, i) => !isKept(i))));
    expect(Array.from(cache.validation.read(0, cache.validation.length))).toEqual(
      ids(rows.filter((_, i) => isKept(i))),
    );
    expect([cache.rows, cache.reused, reports]).toEqual([100, false, [100]]);
    expect(cache.largestId).toBe(Math.max(...ids(rows)));
    const again = await tokenizeToCache(rowSource(rows), options);
    expect([again.reused, again.fingerprint, reports.length]).toEqual([true, cache.fingerprint, 1]);
    const opened = await openTokenCache(folder);
    expect(Array.from(opened.train.read(5, 9))).toEqual(all(cache).slice(5, 9));
    for (const one of [cache, again, opened]) one.close();
    expect(() => cache.train.read(0, 1)).toThrow('E_CLOSED');
  });
  it('is written anew when files, tokenizer or options change', async () => {
    const place = scratchFolder();
    const file = path.join(place, 'x.jsonl');
    writeFileSync(file, rows.map((row) => JSON.stringify(row)).join('\n'));
    const folder = path.join(place, 'cache');
    const make = async (more: object = {}): Promise<boolean> => {
      const cache = await tokenizeToCache(readRows(file), { tokenizer, folder, ...more });
      cache.close();
      return cache.reused;
    };
    expect([await make(), await make(), await make({ validationFraction: 0 })]).toEqual([false, true, false]);
    expect([await make({ validationFraction: 0 }), await make({ endToken: '!' })]).toEqual([true, false]);
    const other = trainByteLevelBpe('quite another text', { vocabSize: 258 });
    expect([await make({ tokenizer: other }), await make({ tokenizer: other })]).toEqual([false, true]);
    writeFileSync(file, JSON.stringify({ text: 'new' }));
    expect([await make({ validationFraction: 0 }), await make({ validationFraction: 0 })]).toEqual([false, true]);
    expect(readdirSync(place).sort()).toEqual(['cache', 'x.jsonl']); // nothing is left beside it
  });
  it('holds large ids in four bytes, and end tokens', async () => {
    const wide = {
      ...tokenizer,
      vocabSize: 100_000,
      encode: () => Int32Array.of(7, 99_999),
      tokenToId: () => 3,
    } as unknown as Tokenizer;
    const folder = path.join(scratchFolder(), 'cache');
    const cache = await tokenizeToCache(rowSource(rows.slice(0, 2)), {
      tokenizer: wide,
      folder,
      endToken: 'e',
      validation: rowSource(rows.slice(0, 1)),
    });
    expect(all(cache)).toEqual([7, 99_999, 3, 7, 99_999, 3]);
    expect(cache.validation.length).toBe(3);
    cache.close();
  });
  it('notices damage: cut short, changed, half-written', async () => {
    const folder = path.join(scratchFolder(), 'cache');
    const long = rowSource(Array.from({ length: 3000 }, (_, i) => ({ text: `${i} `.repeat(40) })));
    const make = (): Promise<TokenCache & { reused: boolean }> =>
      tokenizeToCache(long, { tokenizer, folder, validationFraction: 0 });
    const whole = await make();
    const { length } = whole.train;
    expect(length * 2).toBeGreaterThan(2 ** 18); // several blocks
    whole.close();
    const file = path.join(folder, 'train.bin');
    const bytes = readFileSync(file);
    bytes[bytes.length - 5] ^= 1;
    writeFileSync(file, bytes);
    const damaged = await openTokenCache(folder);
    expect(damaged.train.read(0, 10).length).toBe(10); // the first block is whole
    expect(() => damaged.train.read(length - 10, length)).toThrow(
      /E_CACHE_DAMAGED: .*bytes \d+ to \d+ of train\.bin are not those/,
    );
    damaged.close();
    truncateSync(file, 1000);
    await expect(openTokenCache(folder)).rejects.toThrow(`train.bin has 1000 bytes of ${length * 2}`);
    const remade = await make();
    expect([remade.reused, remade.train.length]).toEqual([false, length]);
    remade.close();
    const manifest = path.join(folder, 'cache.json');
    writeFileSync(manifest, readFileSync(manifest, 'utf8').slice(0, 50));
    await expect(openTokenCache(folder)).rejects.toThrow('E_CACHE_DAMAGED');
    writeFileSync(manifest, JSON.stringify({ format: 'tesserae.token-cache', version: 1, train: { tokens: -1 } }));
    await expect(openTokenCache(folder)).rejects.toThrow('does not say what it should');
  });
  it('leaves nothing behind when it fails or is stopped, and touches no other folder', async () => {
    const place = scratchFolder();
    const folder = path.join(place, 'cache');
    await expect(tokenizeToCache(rowSource([{ text: 5 }]), { tokenizer, folder })).rejects.toThrow('E_ROW_TEXT');
    await expect(tokenizeToCache(rowSource([{ text: '' }]), { tokenizer, folder })).rejects.toThrow('E_EMPTY_TEXT');
    await expect(tokenizeToCache(rowSource(rows), { tokenizer, folder, signal: AbortSignal.abort() })).rejects.toThrow(
      'E_ABORTED: stopped by the signal after 0 rows',
    );
    expect(existsSync(folder)).toBe(false);
    expect(readdirSync(place)).toEqual([]);
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'thesis.txt'), 'years of work');
    await expect(tokenizeToCache(rowSource(rows), { tokenizer, folder })).rejects.toThrow('E_CACHE_FOREIGN');
    expect(readdirSync(folder)).toEqual(['thesis.txt']);
    await expect(openTokenCache(path.join(place, 'absent'))).rejects.toThrow('E_NOT_FOUND');
    await expect(tokenizeToCache(rows as never, { tokenizer, folder })).rejects.toThrow('E_OPTION');
    await expect(tokenizeToCache(rowSource(rows), { tokenizer, folder, endToken: 'absent' })).rejects.toThrow(
      'E_OPTION',
    );
  });
});

describe('training from a cache', () => {
  it('gives the losses of the same ids in memory, and refuses a vocabulary that is too small', async () => {
    const ids = {
      ...tokenizer,
      vocabSize: 12,
      encode: (text: string) => Int32Array.from(text, Number),
    } as unknown as Tokenizer;
    const digits = '0123456789'.repeat(60);
    const cache = await tokenizeToCache(rowSource([{ text: digits.slice(0, 540) }]), {
      tokenizer: ids,
      folder: path.join(scratchFolder(), 'cache'),
      validation: rowSource([{ text: digits.slice(540) }]),
    });
    const memory = createTokenDataset(Array.from(digits, Number));
    for (const order of ['windows', 'epochs'] as const) {
      const options = { batchSize: 3, contextLength: 7, order };
      expect(createBatchSampler(cache.train, options)(11)).toEqual(createBatchSampler(memory.train, options)(11));
    }
    const losses = async (data: TokenCache | typeof memory): Promise<unknown> => {
      const start = tinyModel();
      const run = await train(start, {
        data,
        steps: 6,
        batchSize: 2,
        contextLength: 8,
        evaluateEvery: 3,
        progress: false,
      });
      disposeModel(run.model);
      disposeModel(start);
      return [run.history.steps.map(({ loss }) => loss), run.history.evaluations];
    };
    expect(await losses(cache)).toEqual(await losses(memory));
    await expect(train(tinyModel({ vocabSize: 9 }), { data: cache, steps: 1, progress: false })).rejects.toThrow(
      "E_VOCABULARY: token 9 is outside the model's vocabulary of 9",
    );
    cache.close();
  });
});

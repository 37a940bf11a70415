import '@tensorflow/tfjs-backend-cpu';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createModel, gpt2 } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { trainCharacterTokenizer } from '@tesserae/tokenizer';
import { completion, keyboardSlips, mix, moduleRows, readRows, rowSource, train } from '@tesserae/trainer';
import type { ObjectiveBatch, RowSource } from '@tesserae/trainer';
import { beforeAll, describe, expect, it } from 'vitest';
import { openStream } from '../../src/data/streams/batch-stream';
import { describePreparation } from '../../src/data/worker/describe';
import type { Making } from '../../src/data/worker/describe';
import { buildPreparation } from '../../src/data/worker/rebuild';
import { workerEvents } from '../../src/data/worker/worker-events';
import { bundleProgram } from '../child-process';

const tokenizer = trainCharacterTokenizer('abcdefghijklmnopqrstuvwxyz .', { specialTokens: ['</s>'] });
const config = {
  vocabSize: tokenizer.vocabSize,
  hiddenSize: 8,
  numHiddenLayers: 1,
  numAttentionHeads: 2,
  maxPositionEmbeddings: 16,
  eosTokenId: tokenizer.tokenToId('</s>')!,
};
const text: Making = { text: { column: 'text', endId: config.eosTokenId, rows: 3, contextLength: 8 } };
const settings = {
  rows: 4,
  evaluationRows: 4,
  evaluationBatches: 0,
  contextLength: 16,
  validationFraction: 0,
  seed: 2,
  widths: [8, 16],
  groupBatches: 3,
};
let model: Model;
let folder: string;
let file: string;
let program: string;

beforeAll(async () => {
  model = createModel(gpt2, config, { seed: 1, tokenizer }) as unknown as Model;
  folder = mkdtempSync(path.join(tmpdir(), 'worker-'));
  file = path.join(folder, 'rows.jsonl');
  const rows = Array.from({ length: 50 }, (_, i) => ({
    text: `the cat sat ${'again '.repeat(i % 4)}`,
    prompt: 'ab',
    completion: 'c'.repeat(1 + (i % 9)),
  }));
  writeFileSync(file, rows.map((row) => JSON.stringify(row)).join('\n'));
  program = await bundleProgram('../src/worker/index.ts', folder);
});

/** Batches of a stream from a state on, and the state after them. */
async function batches(
  source: RowSource<unknown>,
  making: Making,
  count: number,
  state?: never,
): Promise<[ObjectiveBatch[], ObjectiveBatch[], unknown]> {
  const preparation = describePreparation(model, source, making);
  const here = openStream(buildPreparation(preparation).events, state, 4);
  const there = openStream(workerEvents(preparation, undefined, program), state, 4);
  try {
    const [mine, theirs]: [ObjectiveBatch[], ObjectiveBatch[]] = [[], []];
    for (let i = 0; i < count; i++) {
      mine.push(await here.next());
      theirs.push(await there.next());
    }
    expect(there.state()).toEqual(here.state());
    return [mine, theirs, JSON.parse(JSON.stringify(there.state()))];
  } finally {
    await here.close();
    await there.close();
  }
}

describe('a worker', () => {
  const source = (): RowSource<unknown> =>
    mix([
      {
        source: readRows(file)
          .shuffle({ buffer: 10, seed: 3 })
          .augment([keyboardSlips({ rate: 0.2 })]),
        weight: 2,
      },
      { source: readRows(file).skip(3).take(20).repeat(2).split(0.2).train, weight: 1 },
    ]);

  it('makes the batches that this thread makes, and continues them', async () => {
    const { widths: _widths, groupBatches: _groups, ...plain } = settings;
    const packed = { ...plain, packing: { buffer: 15 } };
    const texts = { column: 'text', endId: config.eosTokenId, contextLength: 16 };
    for (const making of [
      text,
      { objective: completion(), settings },
      { objective: completion(), settings: packed },
      { texts, settings: packed },
    ] satisfies Making[]) {
      const [mine, theirs] = await batches(source(), making, 40);
      expect(theirs).toEqual(mine);
      const [, , state] = await batches(source(), making, 23);
      const [rest, restThere] = await batches(source(), making, 17, state as never);
      expect(rest).toEqual(mine.slice(23));
      expect(restThere).toEqual(rest);
    }
  });
  it('runs functions that stand in a module', async () => {
    const place = path.join(folder, 'module');
    mkdirSync(place);
    const module = await bundleProgram('data/rows-module.ts', place);
    const rows = moduleRows(module, { name: 'loud', options: { times: 3 } });
    const [mine, theirs, state] = await batches(rows, text, 9);
    expect(theirs).toEqual(mine);
    const [rest, restThere] = await batches(rows, text, 4, state as never);
    expect(restThere).toEqual(rest);
    expect(await rows.toArray()).toEqual([{ text: 'the catthe catthe cat' }, { text: 'a doga doga dog' }]);
    await expect(moduleRows(module, { name: 'absent' }).toArray()).rejects.toThrow('E_MODULE: ');
    await expect(moduleRows(module, { name: 'nothing' }).toArray()).rejects.toThrow('made no source of rows');
    await expect(moduleRows(path.join(folder, 'no.cjs')).toArray()).rejects.toThrow('cannot be loaded');
    expect(() => moduleRows(module, { options: (() => 1) as never })).toThrow('E_OPTION');
  });
  it('hands its errors over with their codes, and says when it is lost', async () => {
    const bad = path.join(folder, 'bad.jsonl');
    writeFileSync(bad, '{"text":"a"}\nnot json');
    const stream = openStream(
      workerEvents(describePreparation(model, readRows(bad), text), undefined, program),
      undefined,
      2,
    );
    await expect(stream.next()).rejects.toMatchObject({ code: 'E_ROW', details: { line: 2 }, plugin: 'readRows' });
    await expect(stream.next()).rejects.toThrow(/E_ROW: .*bad\.jsonl:2 is no row.*unreadable: 'skip'$/);
    await stream.close();
    let told = 0;
    const skipping = describePreparation(model, readRows(bad, { unreadable: 'skip' }), text);
    const other = openStream(
      workerEvents(skipping, ({ count }) => (told = count), program),
      undefined,
      2,
    );
    await other.next();
    await other.close();
    expect(told).toBe(1);
    const lost = openStream(workerEvents(skipping, undefined, path.join(folder, 'absent.cjs')), undefined, 2);
    await expect(lost.next()).rejects.toThrow('E_WORKER: the worker failed');
    await lost.close();
  });
  it('refuses what cannot be handed over', async () => {
    const own = { ...completion() };
    for (const [wrong, making] of [
      [rowSource([{ text: 'a' }]), text],
      [readRows(file).map((row) => row), text],
      [readRows(file).augment({ ...keyboardSlips() }), text],
      [readRows(file), { objective: own, settings }],
    ] as const)
      expect(() => describePreparation(model, wrong as RowSource<unknown>, making as Making)).toThrow(
        'E_WORKER: a worker cannot prepare this data',
      );
    await expect(train(model, { data: [1, 2, 3], steps: 1, prepareIn: 'worker', progress: false })).rejects.toThrow(
      'E_OPTION: a worker prepares sources of rows',
    );
  });
});

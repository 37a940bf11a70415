import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createModel, disposeModel, gpt2, selectBackend } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { trainByteLevelBpe } from '@tesserae/tokenizer';
import { keyboardSlips, mix, readRows, tokenizeToCache, train } from '@tesserae/trainer';
import type { TrainOptions } from '@tesserae/trainer';
import { generateStories } from 'tesserae';
import { median } from '../bench';
import type { Bench, Row } from '../bench';
import { shape } from '../train/setting';

/** Steps of a run; the first ones, which compile and fill the queue, are not counted. */
const steps = 12;
const warm = 3;

interface Run {
  readonly stepMilliseconds: number;
  /** Share of the steps' time in which they waited for their batch. */
  readonly waitShare: number;
}

/** How one way of getting batches is timed. */
async function timed(model: Model, options: Omit<TrainOptions, 'steps'>): Promise<Run> {
  const { batch: batchSize, context: contextLength } = shape;
  const { model: trained, history } = await train(model, {
    ...options,
    steps,
    batchSize,
    contextLength,
    progress: false,
  });
  disposeModel(trained);
  const counted = history.steps.slice(warm);
  const milliseconds = counted.map(({ tokensPerSecond }) => (1000 * batchSize * contextLength) / tokensPerSecond);
  const waited = counted.reduce((sum, { dataWaitMilliseconds = 0 }) => sum + dataWaitMilliseconds, 0);
  return { stepMilliseconds: median(milliseconds), waitShare: waited / milliseconds.reduce((a, b) => a + b, 0) };
}

/** `npm run bench -- data`: how long the step of the training bench waits for text that is read, augmented and tokenized. */
export const data: Bench = async ({ rounds, say }) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'bench-data-'));
  const { name } = await selectBackend({ log: false });
  const stories = generateStories({ count: 6000, seed: 1 });
  const half = stories.length / 2;
  const file = (part: string, some: readonly string[]): string => {
    const place = path.join(folder, part);
    writeFileSync(place, some.map((text) => JSON.stringify({ text })).join('\n'));
    return place;
  };
  const [one, two] = [file('one.jsonl', stories.slice(0, half)), file('two.jsonl', stories.slice(half))];
  const tokenizer = trainByteLevelBpe(stories.slice(0, 1000).join('\n'), { vocabSize: shape.vocabulary });
  const config = {
    vocabSize: shape.vocabulary,
    hiddenSize: shape.width,
    numHiddenLayers: shape.layers,
    numAttentionHeads: shape.heads,
    maxPositionEmbeddings: shape.context,
  };
  const model = createModel(gpt2, config, { seed: 1, tokenizer }) as unknown as Model;
  const cache = await tokenizeToCache(readRows([one, two]), { tokenizer, folder: path.join(folder, 'cache') });
  const source = mix([
    { source: readRows(one).shuffle({ buffer: 1000 }).augment(keyboardSlips(), { share: 0.5 }), weight: 3 },
    { source: readRows(two).shuffle({ buffer: 1000 }), weight: 1 },
  ]);
  const ways: Record<string, Omit<TrainOptions, 'steps'>> = {
    'ids in memory': { data: cache.train.read(0, cache.train.length) },
    'token cache': { data: cache },
    'read ahead, this thread': { data: source },
    'read ahead, a worker': { data: source, prepareIn: 'worker' },
  };
  const runs: Record<string, Run[]> = {};
  try {
    for (let round = 0; round < rounds; round++)
      for (const [way, options] of Object.entries(ways)) {
        const run = await timed(model, options);
        (runs[way] ??= []).push(run);
        say(`${way}: ${run.stepMilliseconds.toFixed(0)} ms a step, waited ${(100 * run.waitShare).toFixed(2)} %`);
      }
  } finally {
    cache.close();
    disposeModel(model);
    rmSync(folder, { recursive: true, force: true });
  }
  const middle = (way: string, what: keyof Run): number => median(runs[way].map((run) => run[what]));
  const peer = 'ids in memory';
  const rows = Object.keys(ways).map((way): Row => ({
    peer,
    way,
    ratio: middle(peer, 'stepMilliseconds') / middle(way, 'stepMilliseconds'),
    stepMilliseconds: middle(way, 'stepMilliseconds'),
    waitPercent: 100 * middle(way, 'waitShare'),
  }));
  return { rows, absent: [], notes: [`backend ${name}; wanted: waitPercent ≤ 1`] };
};

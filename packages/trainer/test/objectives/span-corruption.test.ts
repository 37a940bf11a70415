import '@tensorflow/tfjs-backend-cpu';
import { createKey, foldIn, selectBackend } from '@tesserae/core';
import { describePluginContract } from '@tesserae/registry/testing';
import { spanCorruption } from '@tesserae/trainer';
import type { Objective } from '@tesserae/trainer';
import { describeObjectiveContract } from '@tesserae/trainer/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { corruptionLengths, countNoise, drawNoise, rawLengthFor } from '../../src/objectives/noise-spans';
import { decoder, disposeLearners, encoderDecoder, letters, rowOf, settings } from './learners';

const data = [
  'abcabcabcabc',
  'defdefdefdef',
  'ghighighighi',
  'jkljkljkljkl',
  'abcabcabc',
  'defdefdef',
  'ghighi',
  'jkl',
];

beforeAll(async () => {
  await selectBackend({ prefer: 'onnx', fallback: false, log: false });
});
afterAll(disposeLearners);

describeObjectiveContract(
  { name: 'span-corruption', create: () => spanCorruption(), model: encoderDecoder, data, steps: 80 },
  { describe, it },
);
describePluginContract<Objective>(spanCorruption, {
  describe,
  it,
  check: ({ prepare }) => expect(typeof prepare).toBe('function'),
});

describe('noise spans', () => {
  const noise = { density: 0.15, meanSpanLength: 3, mostSpans: 100 };

  // Numbers of run_t5_mlm_flax of transformers: compute_input_and_target_lengths and random_spans_noise_mask.
  it.each([
    [2, 1, 1],
    [3, 1, 1],
    [10, 2, 1],
    [30, 4, 1],
    [50, 8, 3],
    [568, 85, 28],
    [100, 15, 5],
    [70, 10, 3],
    [90, 14, 5],
  ])('of a text of %i tokens %i are noise, in %i spans', (length, tokens, spans) => {
    expect(countNoise(length, noise)).toEqual({ tokens, spans });
  });

  it('a row of 512 holds a text of 568, and its targets are 114', () => {
    expect(rawLengthFor(512, noise)).toBe(568);
    expect(corruptionLengths(568, noise)).toEqual({ inputs: 512, targets: 114 });
  });

  it('are divided in every way alike often, beginning with what is kept', () => {
    const ways = new Map<string, number>();
    const draws = 4000;
    for (let i = 0; i < draws; i++) {
      const { kept, taken } = drawNoise(8, foldIn(createKey(1), i), {
        density: 0.5,
        meanSpanLength: 2,
        mostSpans: 100,
      });
      expect(kept.reduce((a, b) => a + b) + taken.reduce((a, b) => a + b)).toBe(8);
      const way = `${kept.join()} ${taken.join()}`;
      ways.set(way, (ways.get(way) ?? 0) + 1);
    }
    expect(ways.size).toBe(9); // 3 divisions of 4 into 2, twice
    for (const count of ways.values()) expect(Math.abs(count - draws / 9)).toBeLessThan(5 * Math.sqrt(draws / 9));
  });
});

describe('spans that may stand anywhere', () => {
  it('stand at every place alike often', () => {
    const noise = { density: 0.25, meanSpanLength: 3, mostSpans: 9, anywhere: true };
    const places = new Array<number>(7).fill(0);
    for (let i = 0; i < 3500; i++) {
      const { kept, taken } = drawNoise(8, foldIn(createKey(2), i), noise);
      expect(taken).toEqual([2]);
      places[kept[0]]++;
    }
    for (const count of places) expect(Math.abs(count - 500)).toBeLessThan(5 * Math.sqrt(500));
  });

  it('leave the rest of the text behind them', async () => {
    const objective = spanCorruption({ anywhere: true });
    const { sampler } = await objective.prepare(encoderDecoder(), data, settings(8));
    const texts = Array.from({ length: 12 }, (_, step) => sampler(step)).flatMap(({ inputIds, labels }) =>
      Array.from({ length: 8 }, (_, row) => {
        const [inputs, targets] = [inputIds, labels].map((list) =>
          letters.decode(rowOf(list, row, 8).filter((id) => id >= 0)),
        );
        const [, span] = targets.split(/<extra_id_0>|<\/s>/);
        return inputs.replaceAll('<pad>', '').replace('<extra_id_0>', span);
      }),
    );
    expect(new Set(texts)).toEqual(new Set(data.map((text) => `${text}</s>`)));
  });
});

describe('rows of span corruption', () => {
  it('put back together are the texts', async () => {
    const { sampler } = await spanCorruption({ noiseDensity: 0.4, meanSpanLength: 2 }).prepare(
      encoderDecoder(),
      data,
      settings(8),
    );
    const batch = sampler(3);
    const texts = Array.from({ length: 8 }, (_, row) => {
      const inputs = letters.decode(rowOf(batch.inputIds, row, 8)).replaceAll('<pad>', '');
      const targets = letters.decode(rowOf(batch.labels, row, 8).filter((id) => id !== -100));
      expect(inputs).toMatch(/^[a-z].*<\/s>$/); // begins with what is kept
      expect(targets).toMatch(/^<extra_id_0>.*[a-z]<\/s>$/);
      const given = letters.decode(rowOf(batch.decoderInputIds, row, 8)).replaceAll('<pad>', '');
      expect(targets.startsWith(given)).toBe(true);
      const spans = targets.split(/<extra_id_\d>|<\/s>/).slice(1, -1);
      return inputs.replace(/<extra_id_(\d)>/g, (_, span) => spans[Number(span)]).replace('</s>', '');
    });
    expect(texts.sort()).toEqual([...data].sort());
  });

  it('cut a long text into rows that fill the context', async () => {
    const long = 'abcdefghijklmnopqrstuvwxyz'.repeat(4);
    const { sampler, contextLength } = await spanCorruption().prepare(
      encoderDecoder(),
      [long, 'ab'],
      settings(5, { contextLength: 30 }),
    );
    expect(contextLength).toBe(30);
    const lengths = Array.from({ length: 5 }, (_, row) =>
      rowOf(sampler(0).attentionMask, row, 5).reduce((sum, one) => sum + one, 0),
    );
    expect(lengths.filter((length) => length === 30)).toHaveLength(3); // 34 or 35 letters each
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      'a decoder',
      () => spanCorruption().prepare(decoder(), data, settings(2)),
      /E_OBJECTIVE_MODEL.*sequence-to-sequence/,
    ],
    [
      'a tokenizer without sentinels',
      () => spanCorruption({ sentinels: ['<x>'] }).prepare(encoderDecoder(), data, settings(2)),
      /E_OBJECTIVE_MODEL.*no token <x>/,
    ],
    [
      'a sentinel twice',
      () => spanCorruption({ sentinels: ['<u>', '<u>'] }).prepare(encoderDecoder(), data, settings(2)),
      /E_OBJECTIVE_MODEL.*the same token/,
    ],
    [
      'a text of one token',
      () => spanCorruption().prepare(encoderDecoder(), ['a', 'ab'], settings(2)),
      /E_OBJECTIVE_DATA.*row 0 holds 1/,
    ],
    ['a density of 1', () => spanCorruption({ noiseDensity: 1 }), /E_OPTION.*noiseDensity/],
    ['spans of no length', () => spanCorruption({ meanSpanLength: 0 }), /E_OPTION.*meanSpanLength/],
  ])('refuse %s', async (_, call, message) => {
    await expect(async () => call()).rejects.toThrow(message);
  });
});

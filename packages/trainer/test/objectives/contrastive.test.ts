import '@tensorflow/tfjs-backend-cpu';
import { disposeModel, embedTexts, selectBackend } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { describePluginContract } from '@tesserae/registry/testing';
import { adamw, contrastive, train } from '@tesserae/trainer';
import type { Objective } from '@tesserae/trainer';
import { describeObjectiveContract } from '@tesserae/trainer/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decoder, disposeLearners, encoder, encoderDecoder, rowsOf, settings } from './learners';

beforeAll(async () => {
  await selectBackend({ prefer: 'onnx', fallback: false, log: false });
});
afterAll(disposeLearners);

const data = [
  ['Mia went home', 'the dog ran'],
  ['Tom saw cats', 'where is Paris?'],
  ['Anna lives here', 'happily home'],
  ['a dog and a cat', 'who went?'],
  ['New York', 'unhappiness'],
  ['Smith saw', 'in the dog'],
  ['does Anna live?', 'cat home'],
  ['the cats', 'Mia lives'],
].map(([anchor, positive]) => ({ anchor, positive }));
const vectors = (): Model => encoder('none');

describeObjectiveContract(
  { name: 'contrastive', create: () => contrastive(), model: vectors, data, steps: 60, microBatches: false },
  { describe, it },
);
describePluginContract<Objective>(contrastive, {
  describe,
  it,
  check: ({ prepare }) => expect(typeof prepare).toBe('function'),
});

describe('vectors of texts that belong together', () => {
  const cosine = (one: Float32Array, other: Float32Array): number => one.reduce((sum, x, i) => sum + x * other[i], 0);

  it.each<[string, () => Model]>([
    ['an encoder', vectors],
    ['an encoder that pools otherwise', () => ({ ...vectors(), embedding: { pooling: ['cls', 'max'] } })],
    ['a decoder with its language head', () => ({ ...decoder(), embedding: { pooling: 'last' } })],
  ])('come to lie together as embedTexts makes them: %s', async (_, make) => {
    const rows =
      make() === undefined
        ? []
        : data.map(({ anchor, positive }) => ({
            anchor: anchor.toLowerCase().replace(/[^a-z ]/g, ''),
            positive: positive.toLowerCase().replace(/[^a-z ]/g, ''),
          }));
    const { model } = await train(make(), {
      data: rows,
      objective: contrastive(),
      optimizer: adamw({ learningRate: 0.01 }),
      steps: 60,
      batchSize: 8,
      validationFraction: 0,
      progress: false,
    });
    const anchors = await embedTexts(
      model,
      rows.map(({ anchor }) => anchor),
    );
    const positives = await embedTexts(
      model,
      rows.map(({ positive }) => positive),
    );
    const found = anchors.map((one) => positives.map((other) => cosine(one, other)));
    expect(found.filter((row, i) => row.indexOf(Math.max(...row)) === i).length).toBeGreaterThanOrEqual(7);
    disposeModel(model);
  });

  it('come in rows with numbers of their texts, and a negative where every row has one', async () => {
    const rows = [
      { anchor: 'Mia', positive: 'home', negative: 'dog' },
      { anchor: 'Tom', positive: 'home', negative: 'cats' },
    ];
    const { sampler } = await contrastive().prepare(vectors(), rows, settings(2));
    const batch = sampler(0);
    expect(rowsOf(batch.texts, 2).sort()).toEqual([
      [0, 1],
      [2, 1],
    ]);
    expect(batch.negativeIds!.length).toBe(batch.inputIds.length);
    expect(batch.positiveIds!.length).toBe(batch.inputIds.length);
  });

  it.each<[string, unknown, RegExp]>([
    ['a text alone', { anchor: 'Mia' }, /row 1 is no pair/],
    ['a negative that is the positive', { anchor: 'Mia', positive: 'cat', negative: 'cat' }, /row 1 is its positive/],
    ['an empty text', { anchor: 5, positive: 'cat' }, /row 1 is no pair/],
  ])('refuse %s', async (_, row, message) => {
    const first = { ...data[0], ...((row as { negative?: string }).negative && { negative: 'dog' }) };
    const prepare = async (): Promise<unknown> => contrastive().prepare(vectors(), [first, row], settings(2));
    await expect(prepare).rejects.toThrow(message);
    await expect(prepare).rejects.toThrow('E_OBJECTIVE_DATA');
  });

  it('refuse a row without a negative among others, and a decoder behind an encoder', async () => {
    const rows = [{ ...data[0], negative: 'dog' }, data[1]];
    await expect(async () => contrastive().prepare(vectors(), rows, settings(2))).rejects.toThrow(
      /row 1 has no negative/,
    );
    await expect(async () => contrastive().prepare(encoderDecoder(), data, settings(2))).rejects.toThrow(
      /E_OBJECTIVE_MODEL.*encoderOnly/,
    );
  });
});

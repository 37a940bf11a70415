import '@tensorflow/tfjs-backend-cpu';
import { selectBackend } from '@tesserae/core';
import { describePluginContract } from '@tesserae/registry/testing';
import { regression, sequenceClassification } from '@tesserae/trainer';
import type { Objective } from '@tesserae/trainer';
import { describeObjectiveContract } from '@tesserae/trainer/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disposeLearners, encoder, rowsOf, sentences, settings, wordPieces } from './learners';

beforeAll(async () => {
  await selectBackend({ prefer: 'onnx', fallback: false, log: false });
});
afterAll(disposeLearners);

const texts = [...sentences, 'the cat'];
const classifier = (numLabels: number): ReturnType<typeof encoder> => encoder('sequence-classification', numLabels);
const several = texts.map((text, i) => ({ text, labels: i % 3 === 0 ? [] : i % 3 === 1 ? ['b'] : [0, 'c'] }));
const numbers = texts.map((text, i) => ({ text, label: (i - 3) / 2 }));
const pairs = texts.map((text, i) => ({ text, pair: texts[(i + 1 + (i % 2)) % texts.length], label: i % 2 }));

const contracts = [
  {
    name: 'sequence-classification',
    create: () => sequenceClassification({ labelSmoothing: 0.01, focalGamma: 1, labels: ['a', 'b', 'c'] }),
    model: () => classifier(3),
    data: texts.map((text, i) => ({ text, label: i % 3 })),
    steps: 60,
  },
  {
    name: 'sequence-classification',
    create: () => sequenceClassification({ labels: ['a', 'b', 'c'] }),
    model: () => classifier(3),
    data: several,
    steps: 60,
  },
  {
    name: 'sequence-classification',
    create: () => sequenceClassification(),
    model: () => classifier(2),
    data: pairs,
    steps: 80,
  },
  { name: 'regression', create: () => regression(), model: () => classifier(1), data: numbers, steps: 60 },
];
for (const contract of contracts) describeObjectiveContract(contract, { describe, it });
describePluginContract<Objective>(regression, {
  describe,
  it,
  check: ({ prepare }) => expect(typeof prepare).toBe('function'),
});

describe('rows of classification', () => {
  it('mark every class that a text has', async () => {
    const objective = sequenceClassification({ labels: ['a', 'b', 'c'] });
    const { sampler } = await objective.prepare(classifier(3), several.slice(0, 3), settings(3));
    expect(rowsOf(sampler(0).labels, 3).sort()).toEqual([
      [0, 0, 0],
      [0, 1, 0],
      [1, 0, 1],
    ]);
  });

  it('tell the two texts of a pair apart', async () => {
    const { sampler } = await sequenceClassification().prepare(classifier(2), pairs.slice(0, 2), settings(2));
    const { inputIds, tokenTypeIds, attentionMask } = sampler(0);
    const wanted = pairs
      .slice(0, 2)
      .map(({ text, pair }) => wordPieces().encodeWithOffsets(text, { pair, truncation: true, maxLength: 32 }));
    rowsOf(inputIds, 2).forEach((ids, row) => {
      const real = rowsOf(attentionMask, 2)[row].reduce((sum, one) => sum + one, 0);
      const found = wanted.find((one) => Array.from(one.ids).join() === ids.slice(0, real).join());
      expect(rowsOf(tokenTypeIds, 2)[row].slice(0, real)).toEqual(Array.from(found!.typeIds));
      expect(new Set(found!.typeIds).size).toBe(2);
    });
  });

  it('end in the token that closes a text, also where it was cut', async () => {
    const data = [
      { text: 'Mia went home '.repeat(30), label: 0 },
      { text: 'home', label: 1 },
    ];
    const { sampler, contextLength } = await sequenceClassification().prepare(classifier(2), data, settings(2));
    expect(contextLength).toBe(32);
    const [long] = rowsOf(sampler(0).inputIds, 2).filter((ids) => ids[31] !== 0);
    expect([long[0], long[31]]).toEqual([wordPieces().tokenToId('[CLS]'), wordPieces().tokenToId('[SEP]')]);
  });

  it('hold numbers as they are', async () => {
    const { sampler } = await regression().prepare(classifier(1), numbers, settings(8));
    const { labels } = sampler(0);
    expect(labels).toBeInstanceOf(Float32Array);
    expect(Array.from(labels!).sort((a, b) => a - b)).toEqual(numbers.map(({ label }) => label));
  });

  const row = { text: 'a dog', label: 0 };
  it.each<[string, () => unknown, RegExp]>([
    [
      'a class too many',
      () => sequenceClassification().prepare(classifier(2), [row, { text: 'a', label: 2 }], settings(2)),
      /row 1 has the label 2; the model has 2/,
    ],
    [
      'a name unknown',
      () =>
        sequenceClassification({ labels: ['x', 'y'] }).prepare(
          classifier(2),
          [row, { text: 'a', label: 'z' }],
          settings(2),
        ),
      /row 1 has the label "z"/,
    ],
    [
      'a row without labels among others',
      () => sequenceClassification().prepare(classifier(2), [{ text: 'a', labels: [1] }, row], settings(2)),
      /row 1 has no list of labels/,
    ],
    [
      'a class too many of several',
      () => sequenceClassification().prepare(classifier(2), [{ text: 'a', labels: [2] }, row], settings(2)),
      /row 0 has the label 2/,
    ],
    ['one class', () => sequenceClassification().prepare(classifier(1), [row, row], settings(2)), /regression\(\)/],
    [
      'too few names',
      () => sequenceClassification({ labels: ['a'] }).prepare(classifier(2), [row, row], settings(2)),
      /E_OBJECTIVE_MODEL: there are 1 labels/,
    ],
    [
      'too few weights',
      () => sequenceClassification({ classWeights: [1] }).prepare(classifier(2), [row, row], settings(2)),
      /E_OBJECTIVE_MODEL: there are 1 classWeights/,
    ],
    [
      'an empty text',
      () => regression().prepare(classifier(1), [row, { text: 5, label: 1 }], settings(2)),
      /row 1 has no text/,
    ],
    [
      'a number too few',
      () => regression().prepare(classifier(2), [row, row], settings(2)),
      /the model gives 2 numbers/,
    ],
    [
      'what is no number',
      () => regression().prepare(classifier(1), [row, { text: 'a', label: NaN }], settings(2)),
      /row 1 has the label null/,
    ],
    [
      'an empty split',
      () =>
        regression().prepare(classifier(1), [row, row], settings(2, { validationFraction: 0.9, evaluationBatches: 1 })),
      /none is left to learn from/,
    ],
  ])('refuse %s', async (_, call, message) => {
    await expect(async () => call()).rejects.toThrow(message);
  });
});

import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { bert, createModel, disposeModel } from '@tesserae/core';
import { trainWordPiece } from '@tesserae/tokenizer';
import { augment, characterSwap, classifierOf, reportAugmentation, selfBleu, wordDeletion } from '@tesserae/trainer';
import type { Augmenter } from '@tesserae/trainer';
import { describe, expect, it } from 'vitest';

const rows = [
  { text: 'what a truly lovely morning this is', label: 'glad' },
  { text: 'such a dull and rainy evening again', label: 'sad' },
  { text: 'lovely of them to forget us', label: 'sad' },
];
const byWord = (texts: readonly string[]): string[] => texts.map((text) => (/lovely/.test(text) ? 'glad' : 'sad'));
const replace = (from: string, to: string): Augmenter => ({
  name: `${from}-${to}`,
  hyperparameters: {},
  augment: (example) => (example.text.includes(from) ? [{ ...example, text: example.text.replace(from, to) }] : []),
});

describe('reportAugmentation', () => {
  it('counts what is made and which labels hold', async () => {
    const { augmenters, examples } = await reportAugmentation(
      rows,
      [replace('lovely', 'fine'), replace('a ', 'the ')],
      {
        copies: 1,
        classify: byWord,
      },
    );
    expect(examples).toBe(3);
    const [adjective, article] = augmenters;
    expect(adjective).toMatchObject({ augmenter: 'lovely-fine', asked: 3, made: 2 });
    expect(adjective.labels).toEqual({ agreement: 0, ofRight: 0, accuracy: 2 / 3 });
    expect(article).toMatchObject({ made: 2, labels: { agreement: 1, ofRight: 1, accuracy: 2 / 3 } });
    expect(article.samples[0]).toEqual({ original: rows[0].text, copy: 'what the truly lovely morning this is' });
    expect(article.wordEdits).toBeCloseTo(1 / 7, 12);
    expect(article.characterEdits).toBeCloseTo((3 / 37 + 3 / 37) / 2, 12);
  });

  it('measures the copies that augment makes', async () => {
    const { examples } = await augment(rows, [wordDeletion()], { copies: 2, seed: 4 });
    const { augmenters } = await reportAugmentation(rows, [wordDeletion()], { copies: 2, seed: 4 });
    const groups = rows.map(({ text }, i) => [text, ...examples.slice(3 * i + 1, 3 * i + 3).map((row) => row.text)]);
    const wanted = groups.map((group) => selfBleu(group)).reduce((sum, one) => sum + one, 0) / 3;
    expect(augmenters[0].selfBleu).toBeCloseTo(wanted, 10);
    expect(augmenters[0].labels).toBeUndefined();
    expect(augmenters[0].similarity).toBeGreaterThan(0.5);
    expect(augmenters[0].similarity).toBeLessThan(1);
  });

  it('says nothing about labels that are not there, and NaN where nothing was made', async () => {
    const bare = [{ text: 'lovely' }];
    const [only] = (await reportAugmentation(bare, [replace('lovely', 'dull')], { copies: 1, classify: byWord }))
      .augmenters;
    expect(only.labels).toEqual({ agreement: 0 });
    const [none] = (await reportAugmentation(bare, [replace('x', 'y')], { classify: byWord })).augmenters;
    expect(none).toMatchObject({ made: 0, similarity: NaN, selfBleu: NaN });
    expect(none.labels).toBeUndefined();
  });

  it('refuses what it cannot use', async () => {
    await expect(reportAugmentation([], [characterSwap()])).rejects.toThrow('[trainer/reportAugmentation] E_EXAMPLE');
    await expect(reportAugmentation(rows, [])).rejects.toThrow('E_AUGMENTERS');
    await expect(reportAugmentation(rows, [characterSwap()], { copies: 0 })).rejects.toThrow('E_OPTION');
    await expect(reportAugmentation(rows, [characterSwap()], { classify: () => ['glad'] })).rejects.toThrow(
      'classify gave 1 classes for 3 texts',
    );
  });

  it('takes a model as the classifier', async () => {
    await tf.setBackend('cpu');
    const tokenizer = trainWordPiece(
      rows.map(({ text }) => text),
      { vocabSize: 80 },
    );
    const size = { hiddenSize: 8, intermediateSize: 8, numHiddenLayers: 1, numAttentionHeads: 1 };
    const model = createModel(
      bert,
      { ...size, vocabSize: 80, maxPositionEmbeddings: 48, head: 'sequence-classification', numLabels: 2 },
      { seed: 1, tokenizer },
    );
    const before = tf.memory().numTensors;
    const found = await classifierOf(model, ['glad', 'sad'])(rows.map(({ text }) => text));
    expect(found).toHaveLength(3);
    expect(found.every((name) => name === 'glad' || name === 'sad')).toBe(true);
    expect(tf.memory().numTensors).toBe(before);
    disposeModel(model);
  });
});

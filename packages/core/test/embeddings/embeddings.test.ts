import * as tf from '@tensorflow/tfjs-core';
import { bert, createModel, embedTexts, gpt2, poolHiddenStates, t5 } from '@tesserae/core';
import type { ArchitectureConfig, Model } from '@tesserae/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { use } from '../support/backends';

const size = { vocabSize: 13, hiddenSize: 12, intermediateSize: 20, numHiddenLayers: 2, numAttentionHeads: 3 };
const models: Record<string, () => Model> = {
  bert: () => createModel(bert, { ...size, maxPositionEmbeddings: 8, head: 'none' }, { seed: 3 }) as unknown as Model,
  t5: () => createModel(t5, { ...size, headDim: 4, head: 'none', encoderOnly: true }, { seed: 3 }) as unknown as Model,
  gpt2: () =>
    createModel(gpt2, { ...size, maxPositionEmbeddings: 8 }, { seed: 3 }) as unknown as Model<ArchitectureConfig>,
};
const close = (a: ArrayLike<number>, b: ArrayLike<number>): void =>
  Array.from(a).forEach((value, i) => expect(value).toBeCloseTo(b[i], 5));

beforeAll(() => use('cpu'));

describe('pooling', () => {
  const hidden = (): tf.Tensor => tf.tensor3d([[[1, -5], [3, -7], [100, 100]]]); // prettier-ignore
  const mask = (): tf.Tensor => tf.tensor2d([[1, 1, 0]], [1, 3], 'int32');

  it.each([
    ['mean', [2, -6]],
    ['cls', [1, -5]],
    ['max', [3, -5]],
    ['last', [3, -7]],
    ['meanSqrtLength', [4 / Math.SQRT2, -12 / Math.SQRT2]],
    ['weightedMean', [7 / 3, -19 / 3]],
  ] as const)('%s reads real tokens alone', (pooling, expected) => {
    close(poolHiddenStates(hidden(), mask(), pooling).dataSync(), expected);
  });

  it('finds the last token where padding stands on the left', () => {
    const left = tf.tensor2d([[0, 1, 1]], [1, 3], 'int32');
    expect(Array.from(poolHiddenStates(hidden(), left, 'last').dataSync())).toEqual([100, 100]);
  });

  it('refuses what it does not know', () => {
    expect(() => poolHiddenStates(hidden(), mask(), 'least' as 'cls')).toThrow(/E_OPTION.*least/);
    expect(() => poolHiddenStates(hidden(), tf.tensor2d([[1]], [1, 1], 'int32'))).toThrow(/E_SHAPE/);
  });
});

describe.each(Object.keys(models))('embedTexts of %s', (name) => {
  const texts = [[2, 5, 6, 7, 3], [2, 5, 3], [2, 9, 3]]; // prettier-ignore

  it('gives each text its vector of length 1, whatever stands beside it', async () => {
    const model = models[name]();
    const before = tf.memory().numTensors;
    const together = await embedTexts(model, texts);
    const alone = await embedTexts(model, texts, { batchSize: 1 });
    expect(together).toHaveLength(3);
    together.forEach((vector, i) => close(vector, alone[i]));
    for (const vector of together) expect(vector.reduce((sum, x) => sum + x * x, 0)).toBeCloseTo(1, 5);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('is the mean of the hidden states', async () => {
    const { architecture, config, params } = models[name]();
    const inputIds = tf.tensor2d([texts[0]], [1, 5], 'int32');
    const hidden = architecture.encode
      ? architecture.encode(params, { inputIds }, { config }).hiddenStates
      : architecture.forward(params, { inputIds }, { config: { ...config, head: 'none' } }).logits;
    const [vector] = await embedTexts(models[name](), [texts[0]], { normalize: false });
    close(vector, tf.mean(hidden, 1).dataSync());
  });
});

it('takes several poolings, and what the model says where a call says nothing', async () => {
  const model = models.bert();
  const [mean] = await embedTexts(model, [[2, 5, 6, 3]], { normalize: false });
  const [cls] = await embedTexts(model, [[2, 5, 6, 3]], { pooling: 'cls', normalize: false });
  const own: Model = { ...model, embedding: { pooling: ['cls', 'mean'], normalize: false, maxTokens: 4 } };
  const [both] = await embedTexts(own, [[2, 5, 6, 7, 8, 3]]); // [2, 5, 6, 3] is left
  close(both, [...cls, ...mean]);
  close((await embedTexts(own, [[2, 5, 6, 3]], { pooling: 'mean' }))[0], mean);
  await expect(embedTexts(model, [[1]], { pooling: [] })).rejects.toThrow(/E_OPTION.*empty/);
});

it('says how far it is, and stops at the signal', async () => {
  const done: number[] = [];
  const stop = new AbortController();
  const onProgress = (count: number): void => {
    done.push(count);
    if (count === 4) stop.abort();
  };
  const many = [[2, 3], [2, 4, 3], [2, 3], [2, 5, 3], [2, 3]]; // prettier-ignore
  const before = models.bert();
  const { numTensors } = tf.memory();
  await expect(embedTexts(before, many, { batchSize: 2, onProgress, signal: stop.signal })).rejects.toThrow();
  expect(done).toEqual([2, 4]);
  expect(tf.memory().numTensors).toBe(numTensors);
});

it('cuts a text that is too long, and refuses bad options and text without a tokenizer', async () => {
  const model = models.bert();
  const long = Array.from({ length: 30 }, (_, i) => i % 13);
  expect((await embedTexts(model, [long]))[0]).toHaveLength(12);
  await expect(embedTexts(model, [[1]], { batchSize: 0 })).rejects.toThrow(/E_OPTION.*batchSize/);
  await expect(embedTexts(model, [[1]], { maxTokens: 1 })).rejects.toThrow(/E_OPTION.*maxTokens/);
  await expect(embedTexts(model, ['text'])).rejects.toThrow(/E_NO_TOKENIZER/);
});

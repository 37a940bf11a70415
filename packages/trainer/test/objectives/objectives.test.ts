import '@tensorflow/tfjs-backend-cpu';
import { createModel, disposeModel, gpt2, selectBackend, t5 } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { describePluginContract } from '@tesserae/registry/testing';
import { trainCharacterTokenizer } from '@tesserae/tokenizer';
import {
  completion,
  maskedLanguageModeling,
  sequenceClassification,
  sequenceToSequence,
  train,
} from '@tesserae/trainer';
import type { Objective, ObjectiveBatch } from '@tesserae/trainer';
import { describeObjectiveContract } from '@tesserae/trainer/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wordModel, wordTokenizer } from '../evaluation/word-model';

const letters = trainCharacterTokenizer('abcdefgh0123', { specialTokens: ['<pad>', '</s>'] });
const words = wordTokenizer(['red', 'dog', 'blue', 'cat', 'Mia', 'Tom', 'ran', 'home']);
const models = new Map<string, Model>();
const model = (name: string, make: () => Model): Model => {
  if (!models.has(name)) models.set(name, make());
  return models.get(name)!;
};
const [padTokenId, eosTokenId] = [letters.tokenToId('<pad>')!, letters.tokenToId('</s>')!];
const size = {
  vocabSize: letters.vocabSize,
  hiddenSize: 16,
  numHiddenLayers: 1,
  numAttentionHeads: 2,
  padTokenId,
  eosTokenId,
};
const still = { embeddingDropout: 0, residualDropout: 0, attentionDropout: 0 };
const gpt = (): Model =>
  model(
    'gpt',
    () =>
      createModel(gpt2, { ...size, ...still, maxPositionEmbeddings: 12 }, { tokenizer: letters }) as unknown as Model,
  );
const encoderDecoder = (): Model =>
  model('t5', () => {
    const config = { ...size, headDim: 8, intermediateSize: 32, dropout: 0, decoderStartTokenId: padTokenId };
    return createModel(t5, config, { tokenizer: letters, seed: 2 }) as unknown as Model;
  });
const filler = (): Model => model('filler', () => wordModel(words, 'masked-lm', words.vocabSize));
const classifier = (): Model => model('classifier', () => wordModel(words, 'sequence-classification', 2));

const pairs = ['ab', 'abc', 'bcd', 'cde', 'def', 'efg', 'fgh', 'gha'].map((source) => ({
  source,
  target: source.slice(0, 2),
}));
const contracts = [
  {
    name: 'completion',
    create: () => completion(),
    model: gpt,
    data: pairs.map(({ source, target }) => ({ prompt: source, completion: target })),
  },
  { name: 'sequence-to-sequence', create: () => sequenceToSequence(), model: encoderDecoder, data: pairs, steps: 80 },
  {
    name: 'masked-language-modeling',
    create: () => maskedLanguageModeling({ maskProbability: 0.3 }),
    model: filler,
    data: Array.from({ length: 12 }, (_, i) => (i % 3 === 0 ? 'red red red red red' : 'red red red')),
    steps: 80,
  },
  {
    name: 'sequence-classification',
    create: () => sequenceClassification({ labels: ['animal', 'person'] }),
    model: classifier,
    data: ['red dog', 'blue cat', 'cat', 'dog ran home', 'Mia', 'Tom ran', 'Mia ran home', 'Tom'].map((text, i) => ({
      text,
      label: i < 4 ? 'animal' : 1,
    })),
    steps: 60,
  },
];

beforeAll(async () => {
  await selectBackend({ prefer: 'onnx', fallback: false, log: false });
});
afterAll(() => models.forEach((one) => disposeModel(one)));

for (const contract of contracts) describeObjectiveContract(contract, { describe, it });
const prepares = (objective: Objective): void => expect(typeof objective.prepare).toBe('function');
for (const plugin of [completion, sequenceToSequence, maskedLanguageModeling, sequenceClassification])
  describePluginContract<Objective>(plugin, { describe, it, check: prepares });

describe('rows of objectives', () => {
  const settings = {
    rows: 2,
    evaluationRows: 2,
    evaluationBatches: 0,
    contextLength: undefined,
    validationFraction: 0,
    seed: 0,
  };
  const rowOf = (list: ObjectiveBatch[string], row: number): number[] =>
    Array.from(list!.subarray((row * list!.length) / 2, ((row + 1) * list!.length) / 2));

  it('completion counts the completion and its end alone', async () => {
    const data = [
      { prompt: 'ab', completion: 'c' },
      { prompt: 'd', completion: 'ef' },
    ];
    const { sampler } = await completion().prepare(gpt(), data, settings);
    const { inputIds, labels } = sampler(0);
    const [a, b, c] = ['a', 'b', 'c'].map((letter) => letters.tokenToId(letter)!);
    const row = rowOf(inputIds, 0)[0] === a ? 0 : 1;
    expect(rowOf(inputIds, row)).toEqual([a, b, c]);
    expect(rowOf(labels, row)).toEqual([-100, c, eosTokenId]);
  });

  it('sequence to sequence gives the decoder its target one place late', async () => {
    const { sampler } = await sequenceToSequence().prepare(encoderDecoder(), pairs.slice(0, 2), settings);
    const batch = sampler(0);
    expect(Object.keys(batch).sort()).toEqual(['attentionMask', 'decoderInputIds', 'inputIds', 'labels']);
    const [target, given] = [rowOf(batch.labels, 0), rowOf(batch.decoderInputIds, 0)];
    expect(given).toEqual([padTokenId, ...target.slice(0, -1)]);
    expect(target[target.length - 1]).toBe(eosTokenId);
  });

  it('masked language modeling hides tokens as BERT does, never special ones', async () => {
    const data = Array.from({ length: 40 }, () => 'red dog blue cat Mia Tom ran home');
    const { sampler } = await maskedLanguageModeling().prepare(filler(), data, { ...settings, rows: 400 });
    const { inputIds, labels } = sampler(0);
    let [chosen, masked, kept] = [0, 0, 0];
    (labels as Int32Array).forEach((label, i) => {
      if (label === -100) return;
      expect(label).toBeGreaterThan(3);
      chosen++;
      if (inputIds[i] === 3) masked++;
      else if (inputIds[i] === label) kept++;
    });
    const places = 400 * 8;
    expect(chosen / places).toBeGreaterThan(0.13);
    expect(chosen / places).toBeLessThan(0.2); // a row without a chosen token gets one
    expect(masked / chosen).toBeGreaterThan(0.72);
    expect(masked / chosen).toBeLessThan(0.88);
    expect(kept / chosen).toBeGreaterThan(0.04);
  });
});

describe('objectives refuse', () => {
  const run = (one: Model, more: object): Promise<unknown> =>
    train(one, { steps: 1, progress: false, ...more } as never);

  it.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'another head',
      () => run(gpt(), { data: ['a', 'b'], objective: maskedLanguageModeling() }),
      /E_OBJECTIVE_MODEL: .*head: 'masked-lm'/,
    ],
    [
      'an encoder',
      () => run(encoderDecoder(), { data: pairs, objective: completion() }),
      /E_OBJECTIVE_MODEL: t5 has an encoder/,
    ],
    [
      'an order',
      () => run(encoderDecoder(), { data: pairs, objective: sequenceToSequence(), order: 'epochs' }),
      /orders its rows itself/,
    ],
    ['what is no objective', () => run(gpt(), { data: pairs, objective: {} }), /an objective such as/],
    [
      'a class too many',
      () =>
        run(classifier(), {
          data: [
            { text: 'a', label: 2 },
            { text: 'b', label: 0 },
          ],
          objective: sequenceClassification(),
        }),
      /label 2; the model has 2/,
    ],
    [
      'a long prompt',
      () => run(gpt(), { data: [{ prompt: 'abcdefghabcdefgh', completion: 'a' }, pairs[0]], objective: completion() }),
      /leaves no place/,
    ],
    ['a share that is none', async () => maskedLanguageModeling({ maskProbability: 0 }), /above 0 and up to 1/],
  ])('%s', async (_, call, message) => {
    await expect(call()).rejects.toThrow(message);
  });
});

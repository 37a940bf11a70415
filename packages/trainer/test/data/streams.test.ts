import '@tensorflow/tfjs-backend-cpu';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { createModel, disposeModel, gpt2, selectBackend } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { trainCharacterTokenizer } from '@tesserae/tokenizer';
import {
  characterSwap,
  keyboardSlips,
  maskedLanguageModeling,
  mix,
  readRows,
  rowSource,
  sequenceClassification,
  train,
} from '@tesserae/trainer';
import type { RowSource, TrainOptions } from '@tesserae/trainer';
import { beforeAll, describe, expect, it } from 'vitest';
import { wordModel, wordTokenizer } from '../evaluation/word-model';
import { scratchFolder } from '../scratch';

const letters = trainCharacterTokenizer('abcdefghijklmnopqrstuvwxyz .', { specialTokens: ['</s>'] });
const config = {
  vocabSize: letters.vocabSize,
  hiddenSize: 8,
  numHiddenLayers: 1,
  numAttentionHeads: 2,
  maxPositionEmbeddings: 8,
  eosTokenId: letters.tokenToId('</s>')!,
};
/** With dropout. */
const writer = (): Model => createModel(gpt2, config, { seed: 1, tokenizer: letters }) as unknown as Model;
const words = wordTokenizer(['red', 'dog', 'blue', 'cat', 'Mia', 'Tom', 'ran', 'home']);
const classifier = (): Model => wordModel(words, 'sequence-classification', 2);

const sentences = Array.from({ length: 60 }, (_, i) => ({
  text: ['the cat sat', 'a dog ran home', 'mia saw the red cat.', 'we go'][i % 4].repeat(1 + (i % 3)),
}));
const animals = Array.from({ length: 90 }, (_, i) => ({
  text: `${['red dog', 'Mia', 'blue cat', 'Tom ran'][i % 4]}${' ran home'.repeat(i % 5)}`,
  label: i % 2,
}));

function jsonl(folder: string, name: string, rows: readonly object[]): string {
  const file = path.join(folder, name);
  writeFileSync(file, rows.map((row) => JSON.stringify(row)).join('\n'));
  return file;
}

/** Losses of a run, and of one that is stopped twice and resumed. */
async function bothWays(
  model: () => Model,
  options: Omit<TrainOptions, 'steps'>,
  steps = 24,
): Promise<[number[], number[]]> {
  const start = model();
  const losses = async (more: Partial<TrainOptions>): Promise<number[]> => {
    const result = await train(start, { steps, batchSize: 4, progress: false, seed: 5, ...options, ...more });
    disposeModel(result.model);
    return result.history.steps.map(({ loss }) => loss);
  };
  const whole = await losses({});
  const folder = path.join(scratchFolder(), 'run');
  const checkpoint = { folder, every: 5, keep: 9 };
  let resumed: number[] = [];
  for (const stop of [7, 19, undefined]) {
    const controller = new AbortController();
    const onStep = ({ step }: { step: number }): void => void (step === stop && controller.abort());
    const run = {
      checkpoint,
      resume: true,
      signal: controller.signal,
      whenAborted: 'return' as const,
      callbacks: { onStep },
    };
    resumed = await losses(run);
  }
  const [middle] = await Promise.all([losses({ resume: path.join(folder, 'step-000010') })]);
  expect(middle).toEqual(whole);
  disposeModel(start);
  return [whole, resumed];
}

beforeAll(() => selectBackend({ prefer: 'cpu', log: false }));

describe('training from sources of rows', () => {
  it('reads texts while it trains, and resumes in the middle of an epoch bit for bit', async () => {
    const folder = scratchFolder();
    const file = jsonl(folder, 'train.jsonl', sentences);
    const other = jsonl(folder, 'old.jsonl', sentences.slice(0, 3));
    const source = (): RowSource<unknown> =>
      mix([
        {
          source: readRows(file)
            .shuffle({ buffer: 16, seed: 2 })
            .augment([keyboardSlips(), characterSwap()], { seed: 3 }),
          weight: 3,
        },
        { source: readRows(other), weight: 1 },
      ]);
    const before = tf.memory().numTensors;
    const [whole, resumed] = await bothWays(writer, { data: source(), evaluateEvery: 6, evaluationBatches: 2 }, 24);
    expect(whole.length).toBe(24);
    expect(resumed).toEqual(whole);
    expect(tf.memory().numTensors).toBe(before);
    const model = writer();
    const run = await train(model, { data: { train: source() }, steps: 3, batchSize: 2, progress: false });
    expect(run.history.steps.every(({ dataWaitMilliseconds: wait }) => wait! >= 0)).toBe(true);
    disposeModel(run.model);
    disposeModel(model);
  });
  it('makes batches of rows by an objective, of like length, and resumes bit for bit', async () => {
    const file = jsonl(scratchFolder(), 'rows.jsonl', animals);
    const data = readRows(file).shuffle({ buffer: 20 });
    const objective = sequenceClassification();
    const [whole, resumed] = await bothWays(classifier, {
      data,
      objective,
      evaluateEvery: 8,
      bucketing: { widths: [4, 8], batches: 3 },
    });
    expect(resumed).toEqual(whole);
    const [plain, again] = await bothWays(
      () => wordModel(words, 'masked-lm', words.vocabSize),
      {
        data: readRows(file).map(({ text }) => text as string),
        objective: maskedLanguageModeling(),
      },
      12,
    );
    expect(again).toEqual(plain);
  });
  it('learns from them what it learns from lists', async () => {
    const start = classifier();
    const result = await train(start, {
      data: { train: rowSource(animals), validation: rowSource(animals.slice(0, 10)) },
      objective: sequenceClassification(),
      steps: 60,
      batchSize: 8,
      evaluateEvery: 60,
      optimizer: (await import('@tesserae/trainer')).adamw({ learningRate: 0.01 }),
      progress: false,
    });
    expect(result.history.evaluations[0].loss).toBeLessThan(result.history.steps[0].loss / 2);
    disposeModel(result.model);
    disposeModel(start);
  });
  it('names file and line of a row that cannot be learned from', async () => {
    const file = jsonl(scratchFolder(), 'rows.jsonl', [...animals.slice(0, 9), { text: 'red', label: 7 }]);
    const run = (data: TrainOptions['data'], more: object = {}): Promise<unknown> =>
      train(classifier(), {
        data,
        objective: sequenceClassification(),
        steps: 9,
        batchSize: 4,
        progress: false,
        ...more,
      });
    await expect(run(readRows(file))).rejects.toThrow(
      /E_OBJECTIVE_DATA: .*rows\.jsonl:10 has the label 7; the model has 2 classes; give/,
    );
    await expect(run(readRows(file).filter(() => false))).rejects.toThrow('E_NO_ROWS: the training data has no rows');
    await expect(
      run({ train: readRows(file).take(8), validation: readRows(file).take(0) } as never, { evaluateEvery: 3 }),
    ).rejects.toThrow('E_SPLIT: there is no row to evaluate with');
    await expect(run(readRows(file), { order: 'epochs' })).rejects.toThrow('E_OPTION: order is given');
    await expect(run(readRows(file), { bucketing: { widths: [8, 4] } })).rejects.toThrow('an ascending list');
    await expect(train(writer(), { data: rowSource([{ words: 'a' }]), steps: 1, progress: false })).rejects.toThrow(
      "E_ROW_TEXT: the column 'text' of a row holds undefined, not a text",
    );
    await expect(train(writer(), { data: rowSource([{ text: '' }]), steps: 1, progress: false })).rejects.toThrow(
      'E_EMPTY_TEXT',
    );
    await expect(
      train(writer(), { data: rowSource(sentences), bucketing: true, steps: 1, progress: false }),
    ).rejects.toThrow('windows of text are all of one length');
  });
  it('says how many rows were passed over', async () => {
    const file = path.join(scratchFolder(), 'train.jsonl');
    writeFileSync(file, `no row\n${sentences.map((row) => JSON.stringify(row)).join('\n')}`);
    const model = writer();
    const warnings: string[] = [];
    const callbacks = {
      onWarning: ({ code, message }: { code: string; message: string }) => void warnings.push(`${code} ${message}`),
    };
    const data = readRows(file, { unreadable: 'skip' });
    disposeModel((await train(model, { data, steps: 2, batchSize: 2, progress: false, callbacks })).model);
    disposeModel(model);
    expect(warnings.join()).toMatch(/^W_ROWS_SKIPPED 1 rows of .*; the first is .*train\.jsonl:1, it is not JSON/);
  });
  it('refuses to continue with files that changed', async () => {
    const folder = scratchFolder();
    const file = jsonl(folder, 'train.jsonl', sentences);
    const model = writer();
    const options = {
      batchSize: 2,
      progress: false,
      checkpoint: { folder: path.join(folder, 'run'), every: 2 },
      resume: true,
    };
    disposeModel((await train(model, { ...options, data: readRows(file), steps: 4 })).model);
    jsonl(folder, 'train.jsonl', [...sentences.slice(0, -1), { text: 'another' }]);
    await expect(train(model, { ...options, data: readRows(file), steps: 8 })).rejects.toThrow('E_CHECKPOINT_FOREIGN');
    disposeModel(model);
  });
});

describe('bucketing', () => {
  const settings = {
    rows: 4,
    evaluationRows: 4,
    evaluationBatches: 1,
    contextLength: undefined,
    validationFraction: 0.1,
    seed: 3,
    widths: [2, 4, 6, 8, 10],
    groupBatches: 5,
  };
  it('pads little, shows every row once an epoch, and knows the batch of any step', async () => {
    const model = classifier();
    const rows = Array.from({ length: 110 }, (_, i) => ({
      text: Array(1 + (i % 10))
        .fill('red')
        .join(' '),
      label: i % 2,
    }));
    const prepare = async (
      more = {},
    ): Promise<{ sampler: (step: number) => { inputIds: Int32Array; attentionMask?: Int32Array } }> =>
      (await sequenceClassification().prepare(model, rows, { ...settings, ...more })) as never;
    const [one, other] = [await prepare(), await prepare()];
    expect(other.sampler(13)).toEqual(one.sampler(13));
    expect(one.sampler(2)).toEqual(other.sampler(2));
    const filled = (sampler: typeof one.sampler, steps: number): number => {
      const batches = Array.from({ length: steps }, (_, step) => sampler(step));
      const tokens = batches.reduce((sum, { attentionMask }) => sum + attentionMask!.reduce((a, b) => a + b, 0), 0);
      return tokens / batches.reduce((sum, { inputIds }) => sum + inputIds.length, 0);
    };
    const plain = await prepare({ widths: undefined, groupBatches: undefined });
    expect(filled(one.sampler, 25)).toBeGreaterThan(filled(plain.sampler, 25) * 1.2);
    const count = (sampler: typeof one.sampler): number[] => {
      const lengths = new Array<number>(11).fill(0);
      for (let step = 0; step < 25; step++) {
        const { attentionMask } = sampler(step);
        const width = attentionMask!.length / 4;
        for (let row = 0; row < 4; row++)
          lengths[attentionMask!.subarray(row * width, (row + 1) * width).reduce((a, b) => a + b)]++;
      }
      return lengths;
    };
    expect(count(one.sampler)).toEqual(count(plain.sampler)); // 99 rows to learn from, 100 places
  });
});

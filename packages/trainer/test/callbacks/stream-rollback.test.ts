import '@tensorflow/tfjs-backend-cpu';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { createModel, disposeModel, flattenParams, gpt2, selectBackend } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { trainCharacterTokenizer } from '@tesserae/tokenizer';
import { adamw, characterSwap, keyboardSlips, lossSpikes, mix, readRows, rowSource, train } from '@tesserae/trainer';
import type { RowSource, TrainingCallback, TrainingHistory, TrainOptions } from '@tesserae/trainer';
import { beforeAll, describe, expect, it } from 'vitest';
import { scratchFolder } from '../scratch';

const letters = 'abcdefghijklmnopqrstuvwxyz';
const tokenizer = trainCharacterTokenizer(letters, { specialTokens: ['</s>'] });
/** With dropout. */
const start = (): Model => {
  const config = { vocabSize: tokenizer.vocabSize, hiddenSize: 16, numHiddenLayers: 1, numAttentionHeads: 2 };
  const more = { maxPositionEmbeddings: 8, eosTokenId: tokenizer.tokenToId('</s>')! };
  return createModel(gpt2, { ...config, ...more }, { seed: 1, tokenizer }) as unknown as Model;
};

/** Some letters in the order of the alphabet, or against it, which is learned to be wrong. */
const alphabet = (from: number, length: number, step = 1): string =>
  Array.from({ length }, (_, i) => letters[(((from + i * step) % 26) + 26) % 26]).join('');
/** With its end a text is one batch of four windows of eight tokens; all begin alike, so that what follows one does not matter. */
const text = (i: number, step = 1): { text: string } => ({ text: `t${alphabet(i * 5, 30, step)}` });

const base: Omit<TrainOptions, 'data'> = {
  steps: 40,
  batchSize: 4,
  contextLength: 8,
  optimizer: adamw({ learningRate: 0.02 }),
  evaluateEvery: 6,
  evaluationBatches: 2,
  seed: 3,
  progress: false,
};
const watch = { window: 8, deviations: 4, minimumRise: 0.3, keepEvery: 5, settleSteps: 2 };

interface Outcome {
  readonly history: TrainingHistory;
  readonly losses: readonly number[];
  readonly values: readonly number[][];
}

async function run(options: Partial<TrainOptions> & Pick<TrainOptions, 'data'>): Promise<Outcome> {
  const model = start();
  const before = tf.memory().numTensors;
  try {
    const trained = await train(model, { ...base, ...options });
    const values = flattenParams(trained.model.params).map(([, weight]) =>
      Array.from((weight as tf.Tensor).dataSync()),
    );
    disposeModel(trained.model);
    return { history: trained.history, losses: trained.history.steps.map(({ loss }) => loss), values };
  } finally {
    expect(tf.memory().numTensors).toBe(before);
    disposeModel(model);
  }
}

beforeAll(() => selectBackend({ prefer: 'onnx', fallback: false, log: false }));

describe('going back where data is read while training goes on', () => {
  const validation = rowSource([text(3), text(8), text(11)]);
  const rows = Array.from({ length: 60 }, (_, i) => text(i, i === 24 ? -1 : 1));

  it.each([0, 3])('goes on with the rows behind those that were left out, and %i more', async (skipMore) => {
    const callbacks = lossSpikes({ ...watch, skipMore });
    const rolled = await run({ data: { train: rowSource(rows), validation }, callbacks });
    expect(rolled.history.rollbacks).toMatchObject([{ step: 25, to: 20, skippedBatches: 5 + skipMore }]);
    const others = rows.filter((_, i) => i < 20 || i >= 25 + skipMore);
    const spared = await run({ data: { train: rowSource(others), validation } });
    expect(rolled.losses).toEqual(spared.losses);
    expect(rolled.values).toEqual(spared.values);
    expect(rolled.history.evaluations).toEqual(spared.history.evaluations);
    const all = await run({ data: { train: rowSource(rows), validation } });
    expect(rolled.losses.slice(0, 20)).toEqual(all.losses.slice(0, 20));
    expect(rolled.losses[24]).toBeLessThan(all.losses[24] / 1.3);
  });

  it('is the same when the run is interrupted anywhere', async () => {
    const folder = scratchFolder();
    const file = (name: string, some: readonly object[]): string => {
      const place = path.join(folder, name);
      writeFileSync(place, some.map((row) => JSON.stringify(row)).join('\n'));
      return place;
    };
    const [own, old] = [file('own.jsonl', rows.slice(0, 50)), file('old.jsonl', rows.slice(51))];
    const source = (): RowSource<unknown> =>
      mix([
        {
          source: readRows(own)
            .shuffle({ buffer: 12, seed: 1 })
            .augment([keyboardSlips({ rate: 0.02 }), characterSwap({ rate: 0.02 })], { seed: 2 }),
          weight: 3,
        },
        { source: readRows(old).shuffle({ buffer: 4 }), weight: 1 },
      ]);
    const spikes = (): TrainingCallback => lossSpikes({ ...watch, settleSteps: 5, rateFactor: 0.5, skipMore: 2 });
    const whole = await run({ data: source(), callbacks: spikes() });
    expect(whole.history.rollbacks.length).toBeGreaterThan(0);
    expect(whole.losses.length).toBe(40);
    const [{ step: spike, to }] = whole.history.rollbacks;
    const calls = [to + 1, spike - 1, spike, spike + 1, spike + 9]; // of updates, those taken back too
    for (const [i, stopAfter] of calls.entries()) {
      const checkpoint = { folder: path.join(folder, `run-${i}`), every: 4, keep: 2 };
      const controller = new AbortController();
      let made = 0;
      const abort: TrainingCallback = { onStep: () => void (++made === stopAfter && controller.abort()) };
      const first = run({ data: source(), checkpoint, callbacks: [spikes(), abort], signal: controller.signal });
      await expect(first).rejects.toThrow('E_ABORTED');
      const resumed = await run({ data: source(), checkpoint, callbacks: spikes(), resume: true });
      expect(resumed.history.resumedFrom, `after ${stopAfter} updates`).toBeDefined();
      expect(resumed.history.rollbacks).toEqual(whole.history.rollbacks);
      expect(resumed.losses).toEqual(whole.losses);
      expect(resumed.values).toEqual(whole.values);
      expect(resumed.history.evaluations).toEqual(whole.history.evaluations);
    }
  });
});

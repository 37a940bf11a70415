import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { createKey, disposeModel, foldIn, selectBackend } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import {
  adamw,
  completion,
  contrastive,
  mixup,
  questionAnswering,
  rDrop,
  sequenceClassification,
  train,
} from '@tesserae/trainer';
import type { ModelRun, Objective, OutputObjective, RunningObjective } from '@tesserae/trainer';
import { describeObjectiveContract } from '@tesserae/trainer/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawBeta } from '../../src/objectives/draw-beta';
import { decoder, disposeLearners, encoder, rowsOf, sentences, settings } from './learners';

beforeAll(async () => {
  await selectBackend({ prefer: 'onnx', fallback: false, log: false });
});
afterAll(disposeLearners);

const texts = [...sentences, 'the cat'].map((text, i) => ({ text, label: i % 2 }));
const several = texts.map(({ text }, i) => ({ text, labels: i % 3 === 0 ? [] : [i % 2] }));
const prompts = ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh', 'hi'].map((prompt) => ({ prompt, completion: prompt[1] }));
const classifier = (more: object = {}): Model => encoder('sequence-classification', 2, more);
const dropping = { hiddenDropout: 0.2, attentionDropout: 0.1 };

const wrapped = [
  {
    create: () => rDrop(sequenceClassification()),
    model: () => classifier(dropping),
    data: texts,
    steps: 120,
    microBatches: false,
  },
  { create: () => rDrop(completion()), model: decoder, data: prompts, steps: 60 },
  {
    create: () => mixup(sequenceClassification(), { alpha: 0.1 }),
    model: () => classifier(),
    data: texts,
    steps: 150,
    microBatches: false,
  },
];
for (const contract of wrapped)
  describeObjectiveContract({ ...contract, name: contract.create().name }, { describe, it });

const learn = (model: Model, objective: Objective, data: readonly object[], steps = 3): ReturnType<typeof train> =>
  train(model, {
    data,
    objective,
    steps,
    batchSize: 4,
    optimizer: adamw({ learningRate: 0.01 }),
    evaluateEvery: steps,
    progress: false,
  });

describe('r-drop', () => {
  it('is the loss itself where nothing drops, and adds a divergence where something does', async () => {
    const plain = await learn(classifier(), sequenceClassification(), texts);
    const still = await learn(classifier(), rDrop(sequenceClassification()), texts);
    still.history.steps.forEach(({ loss, parts }, i) => {
      expect(loss).toBeCloseTo(plain.history.steps[i].loss, 4);
      expect(parts!.divergence).toBeCloseTo(0, 6);
    });
    const random = await learn(classifier(dropping), rDrop(sequenceClassification(), { alpha: 3 }), texts);
    expect(random.history.steps[0].parts!.divergence).toBeGreaterThan(1e-3);
    const marks = await learn(classifier(dropping), rDrop(sequenceClassification()), several);
    expect(marks.history.steps[0].parts!.divergence).toBeGreaterThan(1e-4);
    for (const { model } of [plain, still, random, marks]) disposeModel(model);
  });

  it('evaluates as the objective does', async () => {
    const one = await learn(classifier(dropping), sequenceClassification(), texts, 1);
    const two = await learn(classifier(dropping), rDrop(sequenceClassification()), texts, 1);
    expect(Object.keys(one.history.evaluations[0])).toContain('loss');
    expect(Number.isFinite(two.history.evaluations[0].loss)).toBe(true);
    for (const { model } of [one, two]) disposeModel(model);
  });

  it('refuses objectives that run the model themselves, or have no label for each row', async () => {
    expect(() => rDrop(contrastive())).toThrow(/E_OPTION.*contrastive is no objective with a loss of one/);
    expect(() => rDrop(sequenceClassification(), { alpha: -1 })).toThrow(/E_OPTION.*alpha/);
    const rows = [0, 1].map(() => ({ question: 'who?', context: 'Mia ran', answers: [{ text: 'Mia', start: 0 }] }));
    const run = train(encoder('question-answering'), {
      data: rows,
      objective: rDrop(questionAnswering()),
      steps: 1,
      progress: false,
    });
    await expect(run).rejects.toThrow(/E_OPTION.*no label for each row/);
  });
});

describe('mixup', () => {
  it('mixes vectors and losses in one share', () => {
    const objective = mixup(sequenceClassification(), { at: ['middle'] }) as unknown as RunningObjective;
    const seen: tf.Tensor[] = [];
    const run = {
      training: true,
      forward: (
        inputs: Record<string, tf.Tensor>,
        { capture }: { capture: { visit(name: string, x: tf.Tensor): tf.Tensor } },
      ) => {
        seen.push(inputs.attentionMask);
        return {
          logits: capture.visit(
            'middle',
            tf.tensor2d([
              [2, 0],
              [0, 4],
            ]),
          ),
        };
      },
    } as unknown as ModelRun;
    const tensors = {
      inputIds: tf.zeros([2, 2], 'int32'),
      attentionMask: tf.tensor2d(
        [
          [1, 0],
          [1, 1],
        ],
        [2, 2],
        'int32',
      ),
      labels: tf.tensor2d([[0], [1]], [2, 1], 'int32'),
      mixupShares: tf.fill([2, 1], 0.75),
    };
    const found = objective.losses(run, tensors).loss.dataSync()[0];
    const logits = [
      [1.5, 1],
      [0.5, 3],
    ]; // 3/4 of the row's own, 1/4 of the other's
    const surprise = ([a, b]: number[], label: number): number => Math.log(Math.exp(a) + Math.exp(b)) - [a, b][label];
    const own = (surprise(logits[0], 0) + surprise(logits[1], 1)) / 2;
    const others = (surprise(logits[0], 1) + surprise(logits[1], 0)) / 2;
    expect(found).toBeCloseTo(0.75 * own + 0.25 * others, 5);
    expect(Array.from(seen[0].dataSync())).toEqual([1, 1, 1, 1]);
  });

  it('draws one share and one place for each step', async () => {
    const objective = mixup(sequenceClassification(), { alpha: 1, at: ['embeddings', 'layers.0.output'] });
    const { sampler } = await objective.prepare(classifier(), texts, settings(4));
    const places = new Set<number>();
    for (let step = 0; step < 20; step++) {
      const rows = rowsOf(sampler(step).mixupShares, 4);
      expect(new Set(rows.map(String)).size).toBe(1);
      const mixed = rows[0].findIndex((share) => share !== 1);
      expect(rows[0][1 - mixed]).toBe(1);
      places.add(mixed);
    }
    expect([...places].sort()).toEqual([0, 1]);
    const { history, model } = await learn(classifier(), objective, texts);
    expect(history.steps.every(({ loss }) => Number.isFinite(loss))).toBe(true);
    disposeModel(model);
  });

  it('draws shares as Beta does', () => {
    for (const alpha of [0.2, 1, 3]) {
      const draws = Array.from({ length: 4000 }, (_, i) => drawBeta(foldIn(createKey(5), i), alpha));
      const mean = draws.reduce((sum, x) => sum + x, 0) / draws.length;
      const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws.length;
      expect(mean).toBeCloseTo(0.5, 1);
      expect(Math.abs(variance * 4 * (2 * alpha + 1) - 1)).toBeLessThan(0.08); // α²/(4α²(2α + 1))
    }
    expect(Number.isFinite(drawBeta(createKey(1), 0.001))).toBe(true);
  });

  it('refuses other heads, places that are not there, and no places', async () => {
    await expect(learn(decoder(), mixup(completion()), prompts)).rejects.toThrow(
      /E_OBJECTIVE_MODEL.*sequence-classification/,
    );
    const nowhere = mixup(sequenceClassification(), { at: ['cellar'] });
    await expect(learn(classifier(), nowhere, texts)).rejects.toThrow(/E_OPTION.*no value 'cellar'/);
    expect(() => mixup(sequenceClassification(), { at: [] })).toThrow(/E_OPTION.*different names/);
    expect(() => mixup({} as OutputObjective)).toThrow(/E_OPTION.*no objective with a loss/);
  });
});

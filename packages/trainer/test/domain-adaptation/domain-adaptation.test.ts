import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { createKey, selectBackend } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { describePluginContract } from '@tesserae/registry/testing';
import {
  adaptToDomain,
  createBatchSampler,
  createReplaySampler,
  createTrainingStep,
  estimateFisher,
  ewc,
  l2sp,
  reportDomains,
  sgd,
  train,
} from '@tesserae/trainer';
import { beforeAll, describe, expect, it } from 'vitest';
import { disposeModel, parameterValues, tinyIds, tinyModel } from '../tiny-model';

const asModel = (model: ReturnType<typeof tinyModel>): Model => model as unknown as Model;

const one = tf.tensor1d([1]);
const reference = { ...asModel(tinyModel()), params: { layers: [{ bias: one }] } };
const fisher = { values: new Map([['layers.0.bias', one]]), rows: 1, loss: 1, dispose: () => undefined };
describePluginContract(l2sp, { describe, it, options: [{ reference }] });
describePluginContract(ewc, { describe, it, options: [{ reference, fisher }] });

beforeAll(() => selectBackend({ prefer: 'onnx', log: false }));

describe('createReplaySampler', () => {
  const [fresh, old, older] = [1, 2, 3].map((id) => new Int32Array(60).fill(id));
  const oldRows = (sampler: ReturnType<typeof createReplaySampler>, step: number): number =>
    sampler(step).inputIds.filter((id) => id > 1).length / 3;

  it.each([
    [8, 0.1],
    [4, 0.3],
    [3, 0],
    [16, 0.5],
    [1, 0.2],
  ])('gives in steps of %i rows exactly a share of %f over time', (batchSize, replayShare) => {
    const sampler = createReplaySampler(fresh, old, { batchSize, contextLength: 3, replayShare });
    let rows = 0;
    for (let step = 0; step < 30; step++) {
      rows += oldRows(sampler, step);
      expect(Math.abs(rows - (step + 1) * batchSize * replayShare)).toBeLessThan(1);
      expect(sampler(step).inputIds.length).toBe(batchSize * 3);
    }
  });
  it('takes old domains in turns, and every row once in epochs', () => {
    const sampler = createReplaySampler(fresh, [old, older], { batchSize: 2, contextLength: 3, replayShare: 0.5 });
    expect([0, 1, 2].map((step) => sampler(step).inputIds[3])).toEqual([2, 3, 2]);
    const counted = Int32Array.from({ length: 61 }, (_, i) => i);
    const epochs = createReplaySampler(counted, old, {
      batchSize: 4,
      contextLength: 3,
      replayShare: 0.5,
      order: 'epochs',
    });
    const starts = Array.from({ length: 10 }, (_, step) => [epochs(step).inputIds[0], epochs(step).inputIds[3]]).flat();
    expect([...starts].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => 3 * i));
  });
  it('follows from seed and step', () => {
    const options = { batchSize: 4, contextLength: 3, replayShare: 0.25 };
    const ids = tinyIds(100);
    const [a, b, c] = [1, 1, 2].map((seed) => createReplaySampler(ids, ids, { ...options, seed }));
    b(3);
    expect(a(7)).toEqual(b(7));
    expect(a(7)).not.toEqual(c(7));
  });
  it('refuses what cannot be', () => {
    const options = { batchSize: 4, contextLength: 3 };
    expect(() => createReplaySampler(fresh, [], options)).toThrow('there is no old domain');
    expect(() => createReplaySampler(fresh, old, { ...options, replayShare: 1 })).toThrow('E_OPTION');
    expect(() => createReplaySampler(fresh, new Int32Array(3), options)).toThrow('E_TEXT_TOO_SHORT');
  });
});

describe('estimateFisher', () => {
  it('is the mean of squared gradients of rows, times their labels', async () => {
    const model = tinyModel();
    const data = tinyIds(40);
    const before = tf.memory().numTensors;
    const fisher = await estimateFisher(model, { data, rows: 6, contextLength: 5, seed: 3, progress: false });
    expect(fisher.rows).toBe(6);
    expect([...fisher.values.keys()]).toEqual(['embedding', 'layers.0.weight', 'layers.0.bias', 'head']);
    // a step of plain gradient descent is its gradient
    const sampler = createBatchSampler(data, { batchSize: 1, contextLength: 5, seed: 3 });
    const sums = parameterValues(model).map((list) => list.map(() => 0));
    for (let row = 0; row < 6; row++) {
      const step = createTrainingStep(model, { optimizer: sgd(), batchSize: 1, contextLength: 5, key: createKey(0) });
      await step.run(sampler(row), 1, 1);
      step.parameters().forEach((tensor, k) => {
        const moved = tensor.dataSync();
        parameterValues(model)[k].forEach((start, i) => (sums[k][i] += (5 * (start - moved[i]) ** 2) / 6));
      });
      step.dispose();
    }
    [...fisher.values.values()].forEach((tensor, k) =>
      tensor.dataSync().forEach((value, i) => expect(value).toBeCloseTo(sums[k][i], 5)),
    );
    fisher.dispose();
    expect(tf.memory().numTensors).toBe(before);
    disposeModel(model);
  });
  it('stops by its signal and leaves nothing behind', async () => {
    const model = tinyModel();
    const before = tf.memory().numTensors;
    const options = { data: tinyIds(40), contextLength: 5, progress: false };
    await expect(estimateFisher(model, { ...options, signal: AbortSignal.abort() })).rejects.toThrow('E_ABORTED');
    await expect(estimateFisher(model, { ...options, data: [99, 1, 2, 3, 4, 5, 6] })).rejects.toThrow('E_VOCABULARY');
    await expect(estimateFisher(model, { ...options, rows: 0 })).rejects.toThrow('E_OPTION');
    expect(tf.memory().numTensors).toBe(before);
    disposeModel(model);
  });
});

describe('l2sp and ewc', () => {
  it('measure the way from the starting point', async () => {
    const model = tinyModel();
    const fisher = await estimateFisher(model, { data: tinyIds(40), rows: 4, contextLength: 5, progress: false });
    const start = parameterValues(model);
    const other = tinyModel();
    const moved = new Map(
      [...fisher.values.keys()].map((path, k) => [
        path,
        tf.tensor(
          start[k].map((value, i) => value + (i % 3) / 10),
          [...fisher.values.values()][k].shape,
        ),
      ]),
    );
    const squares = start.map((list) => list.map((_, i) => ((i % 3) / 10) ** 2));
    const near = l2sp({ reference: asModel(model), strength: 0.5, newStrength: 2 });
    const sum = squares.flat().reduce((a, b) => a + b, 0);
    expect(near.penalty(moved, near.tensors).dataSync()[0]).toBeCloseTo(sum / 4, 4);
    const head = new Map([
      ['classifier', tf.tensor1d([3])],
      ['layers.0.bias', moved.get('layers.0.bias')!],
    ]);
    const own = squares[2].reduce((a, b) => a + b, 0);
    expect(near.penalty(head, near.tensors).dataSync()[0]).toBeCloseTo(own / 4 + 9, 4);

    const elastic = ewc({ reference: asModel(model), fisher, strength: 3 });
    const weighted = [...fisher.values.values()].flatMap((tensor, k) =>
      Array.from(tensor.dataSync(), (value, i) => value * squares[k][i]),
    );
    const wanted = 1.5 * weighted.reduce((a, b) => a + b, 0);
    expect(elastic.penalty(moved, elastic.tensors).dataSync()[0]).toBeCloseTo(wanted, 5);
    fisher.dispose();
    [model, other].forEach(disposeModel);
  });
  it('refuse other models', async () => {
    const model = tinyModel();
    const wider = tinyModel({ hiddenSize: 4 });
    const regularizers = [l2sp({ reference: asModel(wider) })];
    const options = { data: tinyIds(100), steps: 1, batchSize: 2, contextLength: 4, progress: false };
    await expect(train(model, { ...options, regularizers })).rejects.toThrow('[trainer/l2-sp] E_OPTION');
    expect(() => l2sp({ reference: 3 as never })).toThrow('E_OPTION');
    expect(() => l2sp({ reference: {} as never })).toThrow('not a model');
    expect(() => ewc({ reference: asModel(model), fisher: {} as never })).toThrow('what estimateFisher returns');
    [model, wider].forEach(disposeModel);
  });
});

describe('adaptToDomain', () => {
  it('forgets less with replay, with L2-SP and with EWC, and says so', async () => {
    const fresh = Int32Array.from({ length: 400 }, (_, i) => (i * 5) % 12);
    const old = tinyIds(400);
    const start = tinyModel();
    const options = { batchSize: 8, contextLength: 8, optimizer: sgd({ learningRate: 0.5 }), progress: false } as const;
    const { model: before } = await train(start, { ...options, data: old, steps: 150 });
    const fisher = await estimateFisher(before, { data: old, rows: 32, contextLength: 8, progress: false });
    const adapt = { ...options, domain: fresh, previous: old, steps: 60 };
    const runs = {
      plain: await adaptToDomain(before, adapt),
      replay: await adaptToDomain(before, { ...adapt, replayShare: 0.25 }),
      l2sp: await adaptToDomain(before, {
        ...adapt,
        regularizers: [l2sp({ reference: asModel(before), strength: 0.02 })],
      }),
      ewc: await adaptToDomain(before, { ...adapt, regularizers: [ewc({ reference: asModel(before), fisher })] }),
    };
    const { adapted } = runs.plain.report.models;
    expect(adapted.gained).toBeGreaterThan(0.5);
    expect(adapted.forgotten).toBeGreaterThan(0.5);
    const models = Object.fromEntries(Object.entries(runs).map(([name, { model }]) => [name, model]));
    const report = await reportDomains(before, models, {
      domain: fresh.slice(360),
      previous: old.slice(360),
      contextLength: 8,
      baseline: 'plain',
      progress: false,
    });
    expect(report.models.plain.forgotten).toBeCloseTo(adapted.forgotten, 5);
    expect(report.models.plain.forgettingCut).toBeUndefined();
    for (const name of ['replay', 'l2sp', 'ewc']) {
      expect(report.models[name].forgettingCut).toBeGreaterThan(0.1);
      expect(report.models[name].gained).toBeGreaterThan(0.1);
    }
    fisher.dispose();
    [start, before, ...Object.values(models)].forEach(disposeModel);
  });
  it('says what is too short and which baseline is not there', async () => {
    const model = tinyModel();
    const options = { domain: tinyIds(10), previous: tinyIds(200), steps: 1, contextLength: 12, progress: false };
    await expect(adaptToDomain(model, options)).rejects.toThrow('E_TEXT_TOO_SHORT');
    const texts = { domain: tinyIds(20), previous: tinyIds(20), baseline: 'plain' };
    await expect(reportDomains(model, { other: model }, texts)).rejects.toThrow("there is no model 'plain'");
    disposeModel(model);
  });
});

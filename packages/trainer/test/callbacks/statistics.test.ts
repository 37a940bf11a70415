import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { createModel, gpt2, selectBackend } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { adamw, layerStatistics, lion, sgd, train } from '@tesserae/trainer';
import type { Optimizer, StatisticsRecord, TrainOptions } from '@tesserae/trainer';
import { beforeAll, describe, expect, it } from 'vitest';
import { layerOf } from '../../src/loop/statistics';
import { disposeModel, parameterValues, tinyIds, tinyModel } from '../tiny-model';

const base: TrainOptions = {
  data: tinyIds(400),
  steps: 6,
  batchSize: 4,
  contextLength: 8,
  optimizer: sgd({ learningRate: 0.5 }),
  gradientClipNorm: null,
  progress: false,
};

it('layers are told by their paths', () => {
  expect(layerOf('layers.3.attention.query.weight')).toBe('layers.3');
  expect(layerOf('encoder.layers.10.norm.bias')).toBe('encoder.layers.10');
  expect(layerOf('embeddings.token')).toBe('embeddings.token');
  expect(layerOf('layers.0.attention.query.weight#down')).toBe('layers.0');
});

describe.each(['cpu', 'onnx'] as const)('gradients and weights, on %s', (backend) => {
  beforeAll(async () => {
    await selectBackend({ prefer: backend, fallback: false, log: false });
  });

  it.each([
    ['in one program', {}],
    ['with micro-batches', { microBatchSize: 2 }],
  ])('are what they are, %s', async (_, split) => {
    const start = tinyModel();
    const before = parameterValues(start);
    const measured = layerStatistics({ every: 1 });
    const { model } = await train(start, { ...base, ...split, steps: 1, callbacks: measured });
    const after = parameterValues(model);
    const names = ['embedding', 'layers.0.weight', 'layers.0.bias', 'head'];
    expect(Object.keys(measured.records[0].tensors)).toEqual(names);
    const near = (found: number, expected: number): void =>
      expect(Math.abs(found - expected)).toBeLessThanOrEqual(2e-5 * Math.max(1, Math.abs(expected)));
    names.forEach((name, i) => {
      const found = measured.records[0].tensors[name];
      const moved = after[i].map((value, j) => value - before[i][j]);
      const gradient = moved.map((value) => value / -0.5); // of SGD with rate 0.5
      near(found.gradientNorm, Math.hypot(...gradient));
      near(found.gradientMean, gradient.reduce((a, b) => a + b) / gradient.length);
      near(found.gradientMaximum, Math.max(...gradient.map(Math.abs)));
      near(found.weightNorm, Math.hypot(...after[i]));
      near(found.weightMean, after[i].reduce((a, b) => a + b) / after[i].length);
      near(found.weightMaximum, Math.max(...after[i].map(Math.abs)));
      near(found.updateRatio, Math.hypot(...moved) / Math.hypot(...before[i]));
      expect(found.size).toBe(after[i].length);
    });
    const layer = measured.records[0].layers['layers.0'];
    const both = [...after[1], ...after[2]];
    near(layer.weightNorm, Math.hypot(...both));
    near(layer.weightMean, both.reduce((a, b) => a + b) / both.length);
    expect(layer.size).toBe(both.length);
    disposeModel(start);
    disposeModel(model);
  });

  it('are measured on their steps alone, and leave no tensors', async () => {
    const start = tinyModel();
    const before = tf.memory().numTensors;
    const told: number[] = [];
    const measured = layerStatistics({ every: 3, onRecord: ({ step }) => void told.push(step) });
    const { model } = await train(start, { ...base, callbacks: [measured, { statisticsEvery: 2 }] });
    expect(told).toEqual([3, 6]);
    const chart = await measured.draw();
    expect(chart.description).toBe('Update ÷ weight: embedding, layers.0, head by step');
    disposeModel(model);
    expect(tf.memory().numTensors).toBe(before);
    disposeModel(start);
  });

  it.each<[string, Optimizer]>([
    ['adamw', adamw({ learningRate: 0.01, weightDecay: 0.1 })],
    ['lion', lion({ learningRate: 0.001 })],
  ])('change nothing about a run with %s, to the last bit', async (_, optimizer) => {
    const config = {
      vocabSize: 12,
      hiddenSize: 16,
      numHiddenLayers: 2,
      numAttentionHeads: 2,
      maxPositionEmbeddings: 8,
    };
    const parameters = async (statisticsEvery?: number): Promise<number[][]> => {
      const start = createModel(gpt2, config, { seed: 1 }) as unknown as Model;
      const callbacks = statisticsEvery === undefined ? [] : [layerStatistics({ every: statisticsEvery })];
      const { model, history } = await train(start, { ...base, gradientClipNorm: 1, optimizer, callbacks });
      const values = tf.tidy(() => leaves(model.params).map((tensor) => Array.from(tensor.dataSync())));
      disposeModel(start);
      disposeModel(model);
      return [...values, history.steps.map(({ loss }) => loss)];
    };
    const [without, every, second] = [await parameters(), await parameters(1), await parameters(2)];
    expect(every).toEqual(without);
    expect(second).toEqual(without);
  });
});

const leaves = (tree: unknown): tf.Tensor[] =>
  typeof tree === 'object' && tree !== null && 'dataSync' in tree
    ? [tree as tf.Tensor]
    : Object.values(tree as object).flatMap(leaves);

it('gradients that are no numbers are told as such', async () => {
  const { statisticsRecord } = await import('../../src/loop/statistics');
  const values = [NaN, 1, NaN, 4, 2, 2, 0, 0, 1, 1, 1, 4, 2, 2, 1, 0];
  const { layers }: StatisticsRecord = statisticsRecord(1, values, ['layers.0.a', 'layers.0.b'], [1, 1]);
  expect(layers['layers.0']).toMatchObject({ gradientNorm: NaN, gradientMaximum: NaN, weightMaximum: 2 });
  expect(layers['layers.0'].updateRatio).toBe(Infinity);
});

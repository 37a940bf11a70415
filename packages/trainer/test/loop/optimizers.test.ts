import { disposeModel, selectBackend } from '@tesserae/core';
import { adafactor, adamw, averaged, eightBit, lion, muon, parameterGroups, train } from '@tesserae/trainer';
import type { Optimizer } from '@tesserae/trainer';
import { beforeAll, describe, expect, it } from 'vitest';
import { scratchFolder } from '../scratch';
import { tinyIds, tinyModel } from '../tiny-model';

const table: [string, () => Optimizer][] = [
  ['adafactor', () => adafactor()],
  ['lion', () => lion({ learningRate: 1e-3 })],
  ['muon', () => muon()],
  ['8-bit adamw', () => eightBit(adamw({ learningRate: 1e-2 }), { minimumSize: 64, blockSize: 32 })],
  ['averaged adamw in groups', () => averaged(parameterGroups(adamw(), [{ match: /^embedding/, frozen: true }]))],
];

describe('training with every optimizer', () => {
  beforeAll(async () => {
    await selectBackend({ prefer: 'onnx', log: false });
  });
  it.each(table)('%s learns, and continues bit for bit from a checkpoint', async (_, create) => {
    const model = tinyModel();
    const options = { data: tinyIds(600), batchSize: 4, contextLength: 16, evaluateEvery: 6, progress: false };
    const whole = await train(model, { ...options, steps: 12, optimizer: create() });
    const losses = whole.history.steps.map(({ loss }) => loss);
    expect(losses[11]).toBeLessThan(losses[0]);

    const folder = scratchFolder();
    const checkpoint = { folder, every: 6 };
    const half = await train(model, { ...options, steps: 6, optimizer: create(), checkpoint });
    const rest = await train(model, { ...options, steps: 12, optimizer: create(), checkpoint, resume: true });
    expect(rest.history.steps.map(({ loss }) => loss)).toEqual(losses);
    for (const result of [whole, half, rest]) {
      disposeModel(result.model);
      if (result.averaged) disposeModel(result.averaged);
    }
    disposeModel(model);
  });
});

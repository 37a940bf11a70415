import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { selectBackend } from '@tesserae/core';
import { adamw, findLearningRate, sgd, train } from '@tesserae/trainer';
import { beforeAll, describe, expect, it } from 'vitest';
import { smoothLosses, suggestRate, sweepRate } from '../../src/rate-finder/range-test';
import { disposeModel, parameterValues, tinyIds, tinyModel } from '../tiny-model';

beforeAll(async () => {
  await selectBackend({ prefer: 'cpu', fallback: false, log: false });
});

describe('the range test', () => {
  it('sweeps by a factor a step', () => {
    const rates = [0, 1, 2, 3].map((index) => sweepRate(index, 4, 1e-3, 1));
    [1e-3, 1e-2, 1e-1, 1].forEach((rate, i) => expect(rates[i]).toBeCloseTo(rate, 12));
    expect(sweepRate(0, 1, 1e-3, 1)).toBe(1e-3);
  });
  it('smooths without the pull of zero', () => {
    expect(smoothLosses([2, 2, 2], 0.9).every((loss) => Math.abs(loss - 2) < 1e-12)).toBe(true);
    const [, second] = smoothLosses([1, 3], 0.5);
    expect(second).toBeCloseTo((0.5 * 0.5 * 1 + 0.5 * 3) / 0.75, 12);
  });
  it('suggests the steepest descent before the lowest point', () => {
    // Falls like a step around 1e-2, is lowest at 1e-1, and runs away behind it, with a steep fall that comes too late.
    const swept = Array.from({ length: 61 }, (_, i) => {
      const learningRate = 10 ** (-5 + i / 10);
      const at = Math.log10(learningRate);
      const smoothed = at <= -1 ? 3 - 2 / (1 + Math.exp(-4 * (at + 2))) : 1.1 + 10 * (at + 1) ** 2;
      return { learningRate, loss: smoothed, smoothed };
    });
    const found = suggestRate(swept)!;
    expect(Math.abs(Math.log10(found.steepest) + 2)).toBeLessThan(0.11);
    expect(found.lowest).toBeCloseTo(0.1, 6);
  });
  it('suggests nothing where nothing fell', () => {
    expect(suggestRate([1, 2, 3].map((loss) => ({ learningRate: loss, loss, smoothed: loss })))).toBeUndefined();
    expect(suggestRate([])).toBeUndefined();
  });
});

describe('finding a rate', () => {
  const options = { data: tinyIds(400), batchSize: 4, contextLength: 8, seed: 3, progress: false };
  it('gives a rate that trains well, and leaves the model and no tensors', async () => {
    const model = tinyModel();
    const [before, tensors] = [parameterValues(model), tf.memory().numTensors];
    const found = await findLearningRate(model, { ...options, optimizer: adamw(), from: 1e-5, to: 10, steps: 80 });
    expect(parameterValues(model)).toEqual(before);
    expect(tf.memory().numTensors).toBe(tensors);
    expect(found.swept.length).toBeLessThanOrEqual(80);
    expect(found.swept[1].learningRate / found.swept[0].learningRate).toBeCloseTo(10 ** (6 / 79), 9);
    const lossAfter = async (learningRate: number): Promise<number> => {
      const { model: trained, history } = await train(model, {
        ...options,
        steps: 40,
        optimizer: adamw({ learningRate }),
      });
      disposeModel(trained);
      return history.steps.slice(-5).reduce((sum, { loss }) => sum + loss / 5, 0);
    };
    const suggested = await lossAfter(found.suggestion!);
    expect(suggested).toBeLessThan(await lossAfter(found.suggestion! / 30));
    expect(suggested).toBeLessThan(await lossAfter(found.suggestion! * 30));
    const chart = await found.draw();
    expect(chart.description).toBe('Loss while the learning rate rises: smoothed, batch, suggestion by learning rate');
    const again = await findLearningRate(model, { ...options, optimizer: adamw(), from: 1e-5, to: 10, steps: 80 });
    expect(again.swept).toEqual(found.swept);
    disposeModel(model);
  });
  it('ends when the loss runs away, also past the numbers', async () => {
    const model = tinyModel();
    const found = await findLearningRate(model, {
      ...options,
      optimizer: sgd(),
      gradientClipNorm: null,
      to: 1e30,
      steps: 60,
    });
    expect(found.swept.length).toBeLessThan(60);
    expect(found.swept.every(({ loss }) => Number.isFinite(loss))).toBe(true);
    disposeModel(model);
  });
  it('refuses what cannot be', async () => {
    const model = tinyModel();
    const refused = (more: object, message: string): Promise<void> =>
      expect(findLearningRate(model, { ...options, ...more })).rejects.toThrow(message);
    await refused(
      { from: 1, to: 0.1 },
      '[trainer/findLearningRate] E_OPTION: the sweep goes from 1 to 0.1; give a from below to',
    );
    await refused({ smoothing: 1 }, "the option 'smoothing' must be");
    await refused({ divergence: 1 }, "the option 'divergence' must be a number > 1");
    await refused({ fron: 1 }, 'E_UNKNOWN_OPTION');
    disposeModel(model);
  });
});

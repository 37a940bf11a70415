import '@tensorflow/tfjs-backend-cpu';
import { selectBackend } from '@tesserae/core';
import { describePluginContract } from '@tesserae/registry/testing';
import {
  averaged,
  earlyStopping,
  jsonLines,
  layerStatistics,
  liveChart,
  lossSpikes,
  sgd,
  tensorBoard,
  train,
} from '@tesserae/trainer';
import type { TrainingCallback, TrainingWarning, TrainOptions } from '@tesserae/trainer';
import { beforeAll, describe, expect, it } from 'vitest';
import { evaluationsWithoutProgress } from '../../src/callbacks/early-stopping';
import { scratchFolder } from '../scratch';
import { disposeModel, parameterValues, tinyModel } from '../tiny-model';
import { tinyOptions, tinyRuns } from '../tiny-run';

const base: TrainOptions = { ...tinyOptions, seed: 5 };
const run = tinyRuns(base);

const checkCallback = (callback: TrainingCallback): void => expect(typeof callback.name).toBe('string');
for (const plugin of [earlyStopping, layerStatistics, liveChart, lossSpikes])
  describePluginContract<TrainingCallback>(plugin, { describe, it, options: [{}], check: checkCallback });
describePluginContract<TrainingCallback>(jsonLines, { describe, it, options: [{ file: 'x' }], check: checkCallback });
describePluginContract<TrainingCallback>(tensorBoard, {
  describe,
  it,
  options: [{ folder: 'x' }],
  check: checkCallback,
});

beforeAll(async () => {
  await selectBackend({ prefer: 'cpu', fallback: false, log: false });
});

describe('callbacks', () => {
  it('come one after the other, in their order, and are told of everything', async () => {
    const events: string[] = [];
    const teller = (name: string): TrainingCallback => ({
      onStart: (context) => void events.push(`${name} start ${context.step}/${context.steps}`),
      onStep: async ({ step }, context) => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        events.push(`${name} step ${step} ${context.step} ${context.history.steps.length}`);
      },
      onEvaluate: ({ step }) => void events.push(`${name} evaluate ${step}`),
      onEnd: ({ stopped }) => void events.push(`${name} end ${stopped}`),
      close: () => void events.push(`${name} close`),
    });
    await run({ steps: 2, evaluateEvery: 2, callbacks: [teller('a'), teller('b')] });
    expect(events).toEqual([
      ...['a start 0/2', 'b start 0/2', 'a step 1 1 1', 'b step 1 1 1', 'a step 2 2 2', 'b step 2 2 2'],
      ...['a evaluate 2', 'b evaluate 2', 'a end steps', 'b end steps', 'a close', 'b close'],
    ]);
  });

  it('end the run by what they return or by the context, and the history says why', async () => {
    const returned = await run({ callbacks: { onStep: ({ step }) => (step === 3 ? { stop: 'enough' } : undefined) } });
    expect(returned.history).toMatchObject({ stopped: 'callback', stopReason: 'enough' });
    expect(returned.history.steps.length).toBe(3);
    const called = await run({ callbacks: { onEvaluate: (_, context) => context.stop('seen') }, evaluateEvery: 5 });
    expect(called.history).toMatchObject({ stopped: 'callback', stopReason: 'seen' });
    expect(called.history.steps.length).toBe(5);
    const atOnce = await run({ callbacks: { onStart: () => ({ stop: 'no need' }) } });
    expect(atOnce.history.steps.length).toBe(0);
    const atEnd = await run({ callbacks: { onStep: ({ step }) => (step === 12 ? { stop: 'late' } : undefined) } });
    expect(atEnd.history.stopped).toBe('steps');
    expect(atEnd.history.stopReason).toBeUndefined();
  });

  it('that end the run leave an evaluation and a checkpoint of that step', async () => {
    const { history } = await run({
      checkpoint: { folder: scratchFolder(), every: 100 },
      evaluateEvery: 100,
      callbacks: { onStep: ({ step }) => (step === 7 ? { stop: 'enough' } : undefined) },
    });
    expect(history.checkpoints.map(({ step }) => step)).toEqual([7]);
    expect(history.evaluations.map(({ step }) => step)).toEqual([7]);
  });

  it('are closed when the run fails, and the failure comes out', async () => {
    const closed: string[] = [];
    const start = tinyModel();
    const callbacks = [
      { onStep: () => { throw new Error('broken'); } },
      { close: () => void closed.push('closed') },
    ]; // prettier-ignore
    await expect(train(start, { ...base, callbacks })).rejects.toThrow('broken');
    expect(closed).toEqual(['closed']);
    disposeModel(start);
  });

  it('read the model as it stands', async () => {
    let seen: number[][] = [];
    const { values } = await run({
      callbacks: { onEnd: (_, context) => void (seen = parameterValues(context.model() as never)) },
    });
    expect(seen).toEqual(values);
  });

  it('are checked', async () => {
    const refused = (callbacks: unknown, message: string): Promise<void> =>
      expect(train(tinyModel(), { ...base, callbacks: callbacks as never })).rejects.toThrow(message);
    await refused([{ onStepp: () => undefined }], "did you mean 'onStep'?");
    await refused([{ onStep: 3 }], "the option 'onStep' must be a function, found 3");
    await refused([7], 'train takes an object of options, found 7');
    await refused([{ statisticsEvery: 0 }], "the option 'statisticsEvery' must be a whole number ≥ 1");
    await refused(earlyStopping(), "the callback 'early-stopping' follows evaluations, and there are none");
    await expect(run({ best: { restore: true } })).rejects.toThrow('best.restore needs evaluations');
    await expect(run({ best: { metric: 5 } as never })).rejects.toThrow('E_OPTION');
    await expect(run({ evaluateEvery: 4, metrics: () => ({ a: 'x' }) as never })).rejects.toThrow(
      'E_METRIC: metrics gave',
    );
    expect(() => earlyStopping({ patience: 0 })).toThrow('E_OPTION');
    expect(() => lossSpikes({ rateFactor: 2 })).toThrow('above 0 and at most 1');
  });
});

describe('early stopping', () => {
  const measured = (...losses: number[]) => losses.map((loss, i) => ({ step: i + 1, loss }));
  it.each([
    [[3, 2, 1], 0],
    [[3, 2, 2, 2], 2],
    [[3, 2, 2.5, 1.9], 0],
    [[1, NaN, NaN], 2],
    [[], 0],
  ])('counts evaluations without progress: %j', (losses, expected) => {
    expect(evaluationsWithoutProgress(measured(...losses), {}, 0)).toBe(expected);
  });
  it('wants changes of a size, in either direction', () => {
    expect(evaluationsWithoutProgress(measured(3, 2.95, 2.92), {}, 0.1)).toBe(2);
    expect(evaluationsWithoutProgress(measured(3, 2.95, 2.89), {}, 0.1)).toBe(0);
    const scores = measured(0, 0, 0).map((one, i) => ({ ...one, metrics: { accuracy: [0.5, 0.7, 0.6][i] } }));
    expect(evaluationsWithoutProgress(scores, { metric: 'accuracy' }, 0)).toBe(1);
    expect(evaluationsWithoutProgress(scores, { metric: 'accuracy', direction: 'lowest' }, 0)).toBe(2);
  });

  const stopping: Partial<TrainOptions> = {
    steps: 60,
    evaluateEvery: 3,
    optimizer: sgd(),
    schedule: (step) => (step < 12 ? 0.5 : 0), // nothing moves after step 12
    callbacks: earlyStopping({ patience: 2 }),
  };
  it('ends the run, and says why', async () => {
    const { history } = await run(stopping);
    expect(history.steps.length).toBe(18);
    expect(history.stopReason).toBe('no progress in 2 evaluations (loss)');
  });
  it('ends a resumed run at the same step, and leaves an ended one as it is', async () => {
    const folder = scratchFolder();
    const checkpoint = { folder, every: 4, keep: 9 };
    const controller = new AbortController();
    const abort: TrainingCallback = { onStep: ({ step }) => void (step === 14 && controller.abort()) };
    const { signal } = controller;
    await expect(
      run({ ...stopping, checkpoint, signal, callbacks: [earlyStopping({ patience: 2 }), abort] }),
    ).rejects.toThrow('E_ABORTED');
    const resumed = await run({ ...stopping, checkpoint, resume: true });
    const whole = await run(stopping);
    expect(resumed.history.steps.map(({ loss }) => loss)).toEqual(whole.history.steps.map(({ loss }) => loss));
    expect(resumed.values).toEqual(whole.values);
    const again = await run({ ...stopping, checkpoint, resume: true });
    expect(again.history).toMatchObject({ stopped: 'callback', stopReason: 'no progress in 2 evaluations (loss)' });
    expect(again.history.steps.length).toBe(18);
    expect(again.values).toEqual(whole.values);
  });
  it('follows scores of one own, and says when there is none of that name', async () => {
    let calls = 0;
    const metrics = (): Record<string, number> => ({ accuracy: [0.1, 0.9, 0.2, 0.3, 0.4][calls++] });
    const options = { steps: 60, evaluateEvery: 2, metrics };
    const { history } = await run({
      ...options,
      callbacks: earlyStopping({ metric: 'accuracy', patience: 2 }),
      best: { metric: 'accuracy' },
    });
    expect(history.evaluations.map((one) => one.metrics!.accuracy)).toEqual([0.1, 0.9, 0.2, 0.3]);
    expect(history.best?.step).toBe(4);
    await expect(run({ ...options, callbacks: earlyStopping({ metric: 'f1' }) })).rejects.toThrow(
      "[trainer/early-stopping] E_METRIC: the evaluation has no score 'f1'; it has loss, accuracy; use one of those",
    );
  });
});

describe('the best model', () => {
  const worse: Partial<TrainOptions> = {
    steps: 20,
    evaluateEvery: 5,
    optimizer: averaged(sgd(), { decay: 0.5 }),
    schedule: (step) => (step < 10 ? 0.5 : 40), // the second half ruins it
    best: { restore: true },
  };
  it.each([
    ['from memory', false],
    ['from its checkpoint', true],
  ])('is given back %s', async (_, saved) => {
    const short = await run({ ...worse, steps: 10 });
    expect(short.history.restored).toBeUndefined();
    const found = await run({ ...worse, ...(saved && { checkpoint: { folder: scratchFolder(), every: 3, keep: 1 } }) });
    expect(found.history.best?.step).toBe(10);
    expect(found.history.restored).toEqual(found.history.best);
    expect(found.history.steps.length).toBe(20);
    expect(found.values).toEqual(short.values);
  });
  it('is given back after an interruption, too', async () => {
    const checkpoint = { folder: scratchFolder(), every: 3, keep: 1 };
    const controller = new AbortController();
    const callbacks: TrainingCallback = { onStep: ({ step }) => void (step === 14 && controller.abort()) };
    await expect(run({ ...worse, checkpoint, callbacks, signal: controller.signal })).rejects.toThrow('E_ABORTED');
    const found = await run({ ...worse, checkpoint, resume: true });
    expect(found.values).toEqual((await run({ ...worse, steps: 10 })).values);
  });
  it('that is nowhere any more is warned of', async () => {
    const folder = scratchFolder();
    await run({ ...worse, best: {}, steps: 15, checkpoint: { folder, every: 15, keepBest: false } });
    const warnings: TrainingWarning[] = [];
    const { history } = await run({
      ...worse,
      resume: `${folder}/step-000015`,
      callbacks: { onWarning: (warning) => void warnings.push(warning) },
    });
    expect(history.restored).toBeUndefined();
    expect(warnings.map(({ code }) => code)).toEqual(['W_BEST_LOST']);
  });
});

import '@tensorflow/tfjs-backend-cpu';
import { selectBackend } from '@tesserae/core';
import { adamw, lossSpikes } from '@tesserae/trainer';
import type { RollbackRecord, TrainingCallback, TrainingHistory, TrainingWarning } from '@tesserae/trainer';
import { beforeAll, describe, expect, it } from 'vitest';
import { isSpike } from '../../src/callbacks/loss-spikes';
import { scratchFolder } from '../scratch';
import { tinyIds } from '../tiny-model';
import { tinyRuns } from '../tiny-run';
import type { TinyOutcome } from '../tiny-run';

const ids = tinyIds(400);
/** Batch `index`; those in `poisoned` have labels that are all wrong. */
const orderWith =
  (poisoned: readonly number[]) =>
  (index: number): { inputIds: Int32Array; labels: Int32Array } => {
    const start = (index * 13) % 300;
    const labels = ids.slice(start + 1, start + 33);
    return {
      inputIds: ids.slice(start, start + 32),
      labels: poisoned.includes(index) ? labels.map((label) => (label + 6) % 12) : labels,
    };
  };
const run = tinyRuns({ steps: 40, order: orderWith([24]), evaluateEvery: 6 });
const watch = { window: 8, deviations: 4, minimumRise: 0.3, keepEvery: 5, settleSteps: 2 };

const losses = ({ history }: TinyOutcome): number[] => history.steps.map(({ loss }) => loss);

describe('a spike', () => {
  const calm = Array.from({ length: 32 }, (_, i) => 2 + 0.01 * Math.sin(i * 7.3));
  it.each([
    ['far above', [...calm, 3], {}, true],
    ['a little above', [...calm, 2.15], {}, false],
    ['below', [...calm, 1], {}, false],
    ['after too few', [...calm.slice(1), 3], {}, false],
    ['high among noisy ones', [...calm.map((x, i) => x + (i % 2)), 3.5], {}, false],
    ['one where two are wanted', [...calm, 2, 3], { consecutive: 2 }, false],
    ['two where two are wanted', [...calm, 3, 3], { consecutive: 2 }, true],
    ['above by less than the rise', [...calm, 2.5], { minimumRise: 0.3 }, false],
  ])('%s', (_, values, rule, expected) => {
    expect(isSpike(values, rule)).toBe(expected);
  });
});

describe.each(['cpu', 'onnx'] as const)('going back, on %s', (backend) => {
  beforeAll(async () => {
    await selectBackend({ prefer: backend, fallback: false, log: false });
  });

  it('gives the run that never saw the batches in between', async () => {
    const seen: RollbackRecord[] = [];
    const told: TrainingCallback = { onRollback: (record) => void seen.push(record) };
    const rolled = await run({ callbacks: [lossSpikes(watch), told] });
    expect(rolled.history.rollbacks).toEqual(seen);
    expect(seen).toMatchObject([{ step: 25, to: 20, skippedBatches: 5, rateFactor: 1 }]);
    expect(seen[0].reason).toMatch(/^the loss is \d\.\d+ after \d\.\d+$/);
    const order = orderWith([24]);
    const spared = await run({ order: (index) => order(index < 20 ? index : index + 5) });
    expect(losses(rolled)).toEqual(losses(spared));
    expect(rolled.values).toEqual(spared.values);
    expect(rolled.history.evaluations).toEqual(spared.history.evaluations);
    expect(rolled.history.best).toEqual(spared.history.best);
    expect(rolled.history.steps.map(({ step }) => step)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  });

  it('lowers the rate and leaves out more, when told to', async () => {
    const rolled = await run({ callbacks: lossSpikes({ ...watch, rateFactor: 0.5, skipMore: 3 }) });
    expect(rolled.history.rollbacks).toMatchObject([{ to: 20, skippedBatches: 8, rateFactor: 0.5 }]);
    expect(rolled.history.steps[19].learningRate).toBe(0.02);
    expect(rolled.history.steps[20].learningRate).toBe(0.01);
    const order = orderWith([24]);
    const spared = await run({
      order: (index) => order(index < 20 ? index : index + 8),
      schedule: (made) => (made < 20 ? 0.02 : 0.01),
    });
    expect(losses(rolled)).toEqual(losses(spared));
    expect(rolled.values).toEqual(spared.values);
  });

  it('takes an older state when the newest has not lasted', async () => {
    const { history } = await run({ callbacks: lossSpikes({ ...watch, settleSteps: 5 }) });
    expect(history.rollbacks).toMatchObject([{ step: 25, to: 15 }]);
  });

  it('is bounded: then spikes are warned of', async () => {
    const warnings: TrainingWarning[] = [];
    const callbacks = [
      lossSpikes({ ...watch, mostRollbacks: 1 }),
      { onWarning: (one: TrainingWarning) => void warnings.push(one) },
    ];
    const { history } = await run({ order: orderWith([24, 34]), callbacks });
    expect(history.rollbacks.length).toBe(1);
    expect(warnings).toMatchObject([{ code: 'W_LOSS_SPIKE' }]);
    expect(warnings[0].message).toMatch(/^step 30: the loss is .* the run went back 1 times already/);
  });

  it('bears losses that are no numbers', async () => {
    let slips = 1;
    const schedule = (step: number): number => (step === 11 && slips-- > 0 ? 3e38 : 0.02);
    const options = { order: orderWith([]), optimizer: adamw(), schedule };
    const rolled = await run({ ...options, callbacks: lossSpikes(watch) });
    expect(rolled.history.rollbacks).toMatchObject([{ to: 10 }]);
    expect(rolled.history.rollbacks[0].reason).toMatch(/^the (loss|gradient norm) is /);
    expect(losses(rolled).every(Number.isFinite)).toBe(true);
    const always = (step: number): number => (step === 11 ? 3e38 : 0.02);
    const { step } = await run({ ...options, schedule: always, callbacks: lossSpikes(watch) }).then(
      () => ({ step: 0 }),
      (error: Error & { code: string; details: { step: number; history: TrainingHistory } }) => {
        expect(error.code).toBe('E_NON_FINITE_LOSS');
        expect(error.details.history.rollbacks.length).toBe(3);
        return error.details;
      },
    );
    expect(step).toBeGreaterThan(11);
  });

  it('is the same when the run is interrupted anywhere', async () => {
    const whole = await run({ callbacks: lossSpikes({ ...watch, settleSteps: 5, rateFactor: 0.5 }) });
    expect(whole.history.rollbacks).toMatchObject([{ step: 25, to: 15 }]);
    for (const stopAfter of backend === 'cpu' ? [1, 16, 22, 24, 25, 26, 33, 36] : [22]) {
      const checkpoint = { folder: scratchFolder(), every: 7, keep: 2 };
      const controller = new AbortController();
      let calls = 0;
      const abort: TrainingCallback = { onStep: () => void (++calls === stopAfter && controller.abort()) };
      const spikes = lossSpikes({ ...watch, settleSteps: 5, rateFactor: 0.5 });
      const first = run({ checkpoint, callbacks: [spikes, abort], signal: controller.signal });
      await expect(first).rejects.toThrow('E_ABORTED');
      const resumed = await run({ checkpoint, callbacks: [spikes], resume: true });
      expect(resumed.history.rollbacks).toEqual(whole.history.rollbacks);
      expect(losses(resumed)).toEqual(losses(whole));
      expect(resumed.values).toEqual(whole.values);
      expect(resumed.history.evaluations).toEqual(whole.history.evaluations);
    }
  });
});

describe('a callback of one own', () => {
  it('may keep states and go back', async () => {
    let back = false;
    const callbacks: TrainingCallback = {
      onStart: (context) => context.keepState(),
      onEvaluate: ({ step }, context) => {
        if (step !== 12 || back) return;
        back = true;
        expect(context.keptSteps).toEqual([0]);
        context.rollBack({ reason: 'because' });
      },
    };
    const { history } = await run({ order: orderWith([]), callbacks });
    expect(history.rollbacks).toMatchObject([{ step: 12, to: 0, reason: 'because', skippedBatches: 12 }]);
    expect(history.steps.length).toBe(40);
  });
  it('is told when there is nowhere to go, or nothing to make of what it asks', async () => {
    const asking = (request: object): TrainingCallback => ({
      onStep: (_, context) => context.rollBack(request as never),
    });
    await expect(run({ callbacks: asking({ reason: 'x' }) })).rejects.toThrow(
      '[trainer/train] E_ROLLBACK: a callback asked to go back from step 1, and no state was kept; call context.keepState()',
    );
    await expect(run({ callbacks: asking({ reason: 'x', rateFactor: 0 }) })).rejects.toThrow('E_ROLLBACK');
  });
  it('that lives in the checkpoint is given back its state', async () => {
    const folder = scratchFolder();
    const counting = (seen: unknown[]): TrainingCallback => {
      let count = 0;
      return {
        name: 'counting',
        onStart: (_, state) => {
          seen.push(state);
          count = (state as number | undefined) ?? 0;
        },
        onStep: () => void count++,
        saveState: () => count,
      };
    };
    const seen: unknown[] = [];
    await run({ steps: 8, checkpoint: { folder }, callbacks: [counting(seen), counting(seen)] });
    await run({ steps: 10, checkpoint: { folder }, resume: true, callbacks: [counting(seen), counting(seen)] });
    expect(seen).toEqual([undefined, undefined, 8, 8]);
  });
});

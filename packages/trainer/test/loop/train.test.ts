import * as tf from '@tensorflow/tfjs-core';
import { selectBackend } from '@tesserae/core';
import { adamw, cosine, createTokenDataset, sgd, train } from '@tesserae/trainer';
import type { Optimizer, StepRecord, TrainingHistory, TrainOptions } from '@tesserae/trainer';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { disposeModel, parameterValues, tinyIds, tinyModel } from '../tiny-model';
import { tinyOptions, tinyRuns } from '../tiny-run';

const base: TrainOptions = { ...tinyOptions, seed: 5 };
const run = tinyRuns(base);
const losses = (history: TrainingHistory): number[] => history.steps.map(({ loss }) => loss);

describe.each(['cpu', 'onnx'] as const)('on %s', (backend) => {
  beforeAll(async () => {
    await selectBackend({ prefer: backend, fallback: false, log: false });
  });

  describe('train', () => {
    it('learns a small rule by heart', async () => {
      const { history } = await run({ steps: 150 });
      const [first, last] = [losses(history)[0], losses(history)[149]];
      expect(first).toBeGreaterThan(2);
      expect(last).toBeLessThan(0.6); // the rule jumps at every seventh token: that part cannot be known
    });

    it('leaves the model it was given alone, and returns another', async () => {
      const start = tinyModel();
      const before = parameterValues(start);
      const { model } = await train(start, base);
      expect(parameterValues(start)).toEqual(before);
      expect(parameterValues(model)).not.toEqual(before);
      expect(model.config).toBe(start.config);
      disposeModel(start);
      disposeModel(model);
    });

    it('leaves no tensors behind', async () => {
      const start = tinyModel();
      const before = tf.memory().numTensors;
      const counts = new Set<number>();
      const { model } = await train(start, {
        ...base,
        steps: 120,
        evaluateEvery: 40,
        callbacks: { onStep: () => void counts.add(tf.memory().numTensors) },
      });
      expect(counts.size).toBe(1);
      disposeModel(model);
      expect(tf.memory().numTensors).toBe(before);
      disposeModel(start);
    });

    it('reports every step', async () => {
      const seen: StepRecord[] = [];
      const schedule = cosine({ learningRate: 0.01, totalSteps: 12, warmupSteps: 3 });
      const { history } = await run({
        schedule,
        optimizer: adamw(),
        callbacks: { onStep: (record) => void seen.push(record) },
      });
      expect(history.steps).toEqual(seen);
      expect(history.steps.map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
      history.steps.forEach((record, i) => {
        expect(record.learningRate).toBe(schedule(i));
        expect(record.gradientNorm).toBeGreaterThan(0);
        expect(record.tokensPerSecond).toBeGreaterThan(0);
      });
      expect(history.stopped).toBe('steps');
    });

    it('evaluates when asked, the same way every time', async () => {
      const { history } = await run({ steps: 10, evaluateEvery: 4, evaluationBatches: 2 });
      expect(history.evaluations.map(({ step }) => step)).toEqual([4, 8, 10]);
      const lowest = history.evaluations.reduce((a, b) => (b.loss < a.loss ? b : a));
      expect(history.best).toEqual(lowest);
      const again = await run({ steps: 10, evaluateEvery: 4, evaluationBatches: 2 });
      expect(again.history.evaluations).toEqual(history.evaluations);
      const without = await run({ steps: 10 });
      expect(losses(without.history)).toEqual(losses(history));
    });

    it('repeats itself from the same seed, and not from another', async () => {
      const [one, two, other] = [await run(), await run(), await run({ seed: 6 })];
      expect(two.values).toEqual(one.values);
      expect(losses(two.history)).toEqual(losses(one.history));
      expect(losses(other.history)).not.toEqual(losses(one.history));
    });

    it.each([
      ['four accumulated batches of 2', { batchSize: 2, accumulationSteps: 4 }],
      ['micro-batches of 4', { batchSize: 8, microBatchSize: 4 }],
    ])('gives with %s what one batch of 8 gives', async (_, split) => {
      const whole = await run({ batchSize: 8, optimizer: sgd({ learningRate: 0.5, momentum: 0.9 }) });
      const parts = await run({ ...split, optimizer: sgd({ learningRate: 0.5, momentum: 0.9 }) });
      losses(whole.history).forEach((loss, i) => expect(Math.abs(losses(parts.history)[i] - loss)).toBeLessThan(1e-5));
      whole.values.flat().forEach((value, i) => expect(Math.abs(parts.values.flat()[i] - value)).toBeLessThan(1e-5));
      whole.history.steps.forEach(({ gradientNorm }, i) =>
        expect(Math.abs(parts.history.steps[i].gradientNorm - gradientNorm)).toBeLessThan(1e-5),
      );
    });

    it('weighs micro-batches by the labels that count', async () => {
      const ids = tinyIds(64);
      const order = (step: number) => {
        const inputIds = ids.slice(step, step + 32);
        const labels = ids.slice(step + 1, step + 33);
        labels.fill(-100, 8, 31); // rows 0 and 3 have labels, rows 1 and 2 none
        return { inputIds, labels };
      };
      const whole = await run({ order });
      const parts = await run({ order, microBatchSize: 1 });
      losses(whole.history).forEach((loss, i) => expect(Math.abs(losses(parts.history)[i] - loss)).toBeLessThan(1e-5));
      whole.values.flat().forEach((value, i) => expect(Math.abs(parts.values.flat()[i] - value)).toBeLessThan(1e-5));
    });

    it('clips the common norm of the gradients', async () => {
      const free = await run({ steps: 1, gradientClipNorm: null, optimizer: sgd({ learningRate: 1 }) });
      const clipped = await run({ steps: 1, gradientClipNorm: 0.01, optimizer: sgd({ learningRate: 1 }) });
      expect(clipped.history.steps[0].gradientNorm).toBe(free.history.steps[0].gradientNorm);
      const start = tinyModel();
      const moved = clipped.values.flat().map((value, i) => value - parameterValues(start).flat()[i]);
      disposeModel(start);
      expect(Math.hypot(...moved)).toBeCloseTo(0.01, 5);
    });

    it('trains parameters that take no part as well: they stay', async () => {
      const start = tinyModel();
      const unused = { ...start, params: { ...start.params, unused: tf.tensor1d([7]) } };
      const { model } = await train(unused, { ...base, optimizer: sgd({ learningRate: 1 }) });
      expect((model.params.unused as tf.Tensor).dataSync()[0]).toBe(7);
      disposeModel(unused);
      disposeModel(model);
    });
  });

  describe('a loss that is no number', () => {
    it('stops the run and says where', async () => {
      const start = tinyModel();
      const before = tf.memory().numTensors;
      const error = (await train(start, {
        ...base,
        optimizer: adamw(),
        schedule: (step) => (step < 3 ? 0.1 : 3e38),
      }).catch((reason: unknown) => reason)) as Error & { code: string; details: Record<string, unknown> };
      expect(error.code).toBe('E_NON_FINITE_LOSS');
      expect(error.message).toMatch(
        /^\[trainer\/train\] E_NON_FINITE_LOSS: step \d+ is not finite \(loss \S+, gradient norm \S+, learning rate 3e\+38\); there is no checkpoint; lower the learning rate/,
      );
      expect(error.details).toMatchObject({ learningRate: 3e38, lastCheckpoint: undefined });
      expect((error.details.history as TrainingHistory).steps.length).toBe((error.details.step as number) - 1);
      expect(tf.memory().numTensors).toBe(before);
      disposeModel(start);
    });
  });

  describe('a signal', () => {
    it('stops between two steps, keeping the history', async () => {
      const start = tinyModel();
      const before = tf.memory().numTensors;
      const controller = new AbortController();
      const callbacks = { onStep: ({ step }: StepRecord) => step === 5 && controller.abort() } as never;
      const error = (await train(start, { ...base, signal: controller.signal, callbacks }).catch(
        (reason: unknown) => reason,
      )) as Error & { code: string; details: { step: number; history: TrainingHistory } };
      expect(error.message).toBe(
        "[trainer/train] E_ABORTED: stopped by the signal after 5 of 12 steps; nothing was saved; give checkpoint.folder to be able to continue, or whenAborted: 'return' to keep the model",
      );
      expect(error.details.history.steps.length).toBe(5);
      expect(tf.memory().numTensors).toBe(before);
      disposeModel(start);
    });
    it('can return what has been learned', async () => {
      const controller = new AbortController();
      const { history } = await run({
        signal: controller.signal,
        whenAborted: 'return',
        callbacks: { onStep: ({ step }) => void (step === 4 && controller.abort()) },
      });
      expect(history.stopped).toBe('aborted');
      expect(history.steps.length).toBe(4);
    });
  });
  describe('callbacks', () => {
    it('are awaited, and told of the end once', async () => {
      const events: string[] = [];
      const later = (name: string) => async () => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        events.push(name);
      };
      await run({
        steps: 2,
        evaluateEvery: 2,
        callbacks: { onStep: later('step'), onEvaluate: later('evaluate'), onEnd: later('end') },
      });
      expect(events).toEqual(['step', 'step', 'evaluate', 'end']);
    });
    it('that throw stop the run, and nothing leaks', async () => {
      const start = tinyModel();
      const before = tf.memory().numTensors;
      const onStep = (): never => {
        throw new Error('enough');
      };
      await expect(train(start, { ...base, callbacks: { onStep } })).rejects.toThrow('enough');
      expect(tf.memory().numTensors).toBe(before);
      disposeModel(start);
    });
    it('are not needed to see progress', async () => {
      const lines: string[] = [];
      const write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
      const print = vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
      await run({ progress: true, evaluateEvery: 6 }).finally(() => [write, print].forEach((spy) => spy.mockRestore()));
      expect(lines.join('')).toMatch(/training[\s\S]*12\/12[\s\S]*loss/);
    });
  });

  describe('an optimizer of one own', () => {
    const plain: Optimizer = {
      name: 'plain',
      hyperparameters: {},
      init: () => ({}),
      update: (gradients, state, parameters, { learningRate, gradientScale }) => {
        expect(gradientScale).toBeUndefined();
        return { state, parameters: parameters.map((p, i) => tf.sub(p, tf.mul(gradients[i], learningRate))) };
      },
    };
    it('is given clipped gradients, whether it knows of clipping or not', async () => {
      const schedule = () => 1;
      const own = await run({ optimizer: plain, schedule, gradientClipNorm: 0.01 });
      const ours = await run({ optimizer: sgd(), schedule, gradientClipNorm: 0.01 });
      own.values.flat().forEach((value, i) => expect(Math.abs(value - ours.values.flat()[i])).toBeLessThan(1e-6));
    });
  });

  describe('bad input', () => {
    const refused = async (options: Partial<TrainOptions>, message: string | RegExp): Promise<void> => {
      const start = tinyModel();
      const before = tf.memory().numTensors;
      await expect(train(start, { ...base, ...options })).rejects.toThrow(message);
      expect(tf.memory().numTensors).toBe(before);
      disposeModel(start);
    };
    it('is refused by name', async () => {
      await refused({ batchsize: 3 } as never, "did you mean 'batchSize'?");
      await refused({ lr: 3 } as never, 'E_UNKNOWN_OPTION');
      await refused({ checkpoint: { folder: 'x', evry: 3 } } as never, "did you mean 'every'?");
      await refused({ callbacks: { onstep: () => undefined } } as never, "did you mean 'onStep'?");
    });
    it('is refused by value', async () => {
      await refused({ steps: 0 }, "the option 'steps' must be a whole number ≥ 1, found 0");
      await refused({ batchSize: 2.5 }, "the option 'batchSize' must be a whole number ≥ 1, found 2.5");
      await refused({ optimizer: 'adamw' } as never, 'an optimizer such as adamw()');
      await refused({ gradientClipNorm: 0 }, 'E_OPTION');
      await refused(
        { microBatchSize: 3 },
        'micro-batches of 3 rows do not divide a step of 4 rows; use a divisor of 4',
      );
      await refused({ contextLength: 17 }, "contextLength 17 exceeds the model's 16 positions");
      await refused({ resume: true }, 'resume: true needs a folder');
      await refused({ validationFraction: 0.5, data: createTokenDataset(tinyIds(99)) }, 'is split already');
      await refused({ schedule: cosine({ learningRate: 1, totalSteps: 5 }) }, 'give it once, to the schedule');
      await refused({ schedule: () => NaN }, 'E_SCHEDULE: the schedule gave NaN as the learning rate of step 1');
      await expect(train(undefined as never, base)).rejects.toThrow('E_MODEL');
      await expect(train(tinyModel(), undefined as never)).rejects.toThrow('train takes an object of options');
    });
    it('is refused by content', async () => {
      await refused({ data: '' }, 'E_EMPTY_TEXT');
      await refused({ data: 'words' }, 'E_TOKENIZER');
      await refused({ data: tinyIds(8) }, 'E_TEXT_TOO_SHORT: the training text has 7 tokens');
      await refused({ data: tinyIds(60), evaluateEvery: 1 }, 'E_TEXT_TOO_SHORT: the validation text has 6 tokens');
      await refused(
        { data: [...tinyIds(100), 12] },
        "E_VOCABULARY: token 12 at position 100 is outside the model's vocabulary of 12 (ids 0 to 11); encode with the model's own tokenizer, or make the model with a vocabSize of at least 13",
      );
      const short = () => ({ inputIds: new Int32Array(8), labels: new Int32Array(8) });
      await refused({ order: short }, 'E_BATCH: a step of 4 rows of 8 tokens needs 32 of each');
      const stray = () => ({ inputIds: new Int32Array(32), labels: new Int32Array(32).fill(12) });
      await refused({ order: stray }, 'E_BATCH: the batch has the id 12');
      const nothing = () => ({ inputIds: new Int32Array(32), labels: new Int32Array(32).fill(-100) });
      await refused({ order: nothing }, 'E_BATCH: every label of the batch is ignored');
    });
  });
});

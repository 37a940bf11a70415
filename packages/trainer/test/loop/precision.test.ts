import { createModel, disposeModel, flattenParams, gpt2, selectBackend } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import * as tf from '@tensorflow/tfjs-core';
import {
  completion,
  createTrainingStep,
  float16,
  lossSpikes,
  maskedLanguageModeling,
  mixedPrecision,
  precisionPlugins,
  sequenceClassification,
  sequenceToSequence,
  sgd,
  train,
} from '@tesserae/trainer';
import type { PrecisionOption, StatisticsRecord, TrainOptions, TrainingHistory } from '@tesserae/trainer';
import { createKey } from '@tesserae/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decoder, disposeLearners, encoder, encoderDecoder, sentences } from '../objectives/learners';
import { scratchFolder } from '../scratch';

const size = { vocabSize: 11, hiddenSize: 16, numHiddenLayers: 2, numAttentionHeads: 2, maxPositionEmbeddings: 8 };
const data = Array.from({ length: 300 }, (_, i) => (i * i + 3 * i) % 11);
const common = { data, steps: 12, batchSize: 4, progress: false, seed: 5 } satisfies TrainOptions;

let start: Model;
beforeAll(async () => {
  await selectBackend({ prefer: 'onnx', log: false });
  start = createModel(gpt2, { ...size, residualDropout: 0.1 }, { seed: 2 }) as unknown as Model;
});
afterAll(() => {
  disposeModel(start);
  disposeLearners();
});

async function run(options: Partial<TrainOptions>): Promise<{ history: TrainingHistory; weights: number[] }> {
  const { model, history } = await train(start, { ...common, ...options });
  const weights = flattenParams(model.params).flatMap(([, tensor]) => Array.from((tensor as tf.Tensor).dataSync()));
  disposeModel(model);
  return { history, weights };
}

const losses = ({ history }: { history: TrainingHistory }): number[] => history.steps.map(({ loss }) => loss);

describe('training in another precision', () => {
  it.each<[PrecisionOption, number]>([
    ['float16', 1e-2],
    ['bfloat16', 5e-2],
    ['float8', 0.15],
  ])('%s follows float32, and is not float32', async (precision, tolerance) => {
    const [wanted, found] = [losses(await run({})), losses(await run({ precision }))];
    const far = Math.max(...found.map((loss, i) => Math.abs(loss - wanted[i])));
    expect(far).toBeLessThan(tolerance);
    expect(far).toBeGreaterThan(1e-6);
  });

  it('skips and counts steps whose gradients overflow, cuts the scale until they fit, and lets it grow again', async () => {
    const precision = float16({ initialScale: 2 ** 20, growthInterval: 3 });
    const before = tf.memory().numTensors;
    const { history } = await run({ precision, steps: 16 });
    expect(tf.memory().numTensors).toBe(before);
    const skipped = history.steps.filter((record) => record.skipped);
    expect(skipped.length).toBeGreaterThan(2);
    expect(skipped.length).toBeLessThan(12);
    history.steps.forEach(({ lossScale, skipped: lost, gradientNorm }, i) => {
      expect(Number.isFinite(gradientNorm)).toBe(!lost);
      const next = history.steps[i + 1]?.lossScale;
      if (lost && next !== undefined) expect(next).toBe(lossScale! / 2);
    });
    const scales = history.steps.map(({ lossScale }) => lossScale!);
    expect(scales.some((scale, i) => i > 0 && scale === scales[i - 1] * 2)).toBe(true);
  });

  it('changes nothing in a skipped step', async () => {
    const step = createTrainingStep(start, {
      optimizer: sgd(),
      batchSize: 1,
      contextLength: 4,
      key: createKey(1),
      precision: float16({ initialScale: 2 ** 100 }),
    });
    const before = Array.from(step.parameters()[0].dataSync());
    const result = await step.run({ inputIds: Int32Array.of(1, 2, 3, 4), labels: Int32Array.of(2, 3, 4, 5) }, 1, 1);
    expect(result).toMatchObject({ skipped: true, lossScale: 2 ** 100, gradientNorm: Infinity });
    expect(Array.from(step.parameters()[0].dataSync())).toEqual(before);
    step.dispose();
  });

  it('goes on after an interruption bit for bit, with the scale and the skipped steps', async () => {
    const folder = scratchFolder();
    const precision = float16({ initialScale: 2 ** 24, growthInterval: 3 });
    const whole = await run({ precision });
    const controller = new AbortController();
    const first = run({
      precision,
      checkpoint: { folder, every: 100 },
      signal: controller.signal,
      callbacks: { onStep: ({ step }) => void (step === 7 && controller.abort()) },
    });
    await expect(first).rejects.toThrow('E_ABORTED');
    const resumed = await run({ precision, checkpoint: { folder, every: 100 }, resume: true });
    expect(resumed.weights).toEqual(whole.weights);
    const facts = ({ history }: typeof whole): unknown =>
      history.steps.map(({ loss, lossScale, skipped }) => [loss, lossScale, skipped]);
    expect(facts(resumed)).toEqual(facts(whole));
    expect(resumed.history.steps.some(({ skipped }) => skipped)).toBe(true);
  });

  it('goes back to the scale and the count of skipped steps of a kept state', async () => {
    let [kept, failed] = [0, 0];
    const scales: number[] = [];
    const { history } = await run({
      precision: float16({ initialScale: 2 ** 24, growthInterval: 2 }),
      callbacks: {
        async onStep({ step, skipped, lossScale }, context) {
          if (kept === 0 && skipped) {
            kept = step;
            await context.keepState();
            scales.push(lossScale! / 2);
          }
          if (failed > 0 || kept === 0 || step === kept) return;
          scales.push(lossScale!);
          if (lossScale === scales[0]) return; // until the scale is another one
          failed = step;
          context.rollBack({ reason: 'a test' });
        },
      },
    });
    expect(history.rollbacks).toMatchObject([{ step: failed, to: kept }]);
    expect(scales.at(-1)).not.toBe(scales[0]);
    expect(history.steps.find(({ step }) => step === kept + 1)?.lossScale).toBe(scales[0]);
  });

  it('lets no skipped step count as a spike or as the end of the numbers', async () => {
    const precision = float16({ initialScale: 2 ** 24, growthInterval: 3 });
    const nonFinite: number[] = [];
    const watch = { onNonFinite: ({ step }: { step: number }): void => void nonFinite.push(step) };
    const { history, weights } = await run({ precision, callbacks: [lossSpikes({ window: 4 }), watch] });
    expect(history.steps.some(({ skipped }) => skipped)).toBe(true);
    expect([history.rollbacks, nonFinite]).toEqual([[], []]);
    expect(weights).toEqual((await run({ precision })).weights);
  });

  it('measures gradients as they are without the scale, and none of a skipped step', async () => {
    const seen: StatisticsRecord[] = [];
    const { history } = await run({
      precision: float16({ initialScale: 2 ** 24 }),
      callbacks: { statisticsEvery: 1, onStatistics: (record) => void seen.push(record) },
    });
    const made = history.steps.filter(({ skipped }) => !skipped);
    expect(made.length).toBeLessThan(history.steps.length);
    expect(seen.map(({ step }) => step)).toEqual(made.map(({ step }) => step));
    seen.forEach(({ tensors }, i) => {
      const norm = Math.hypot(...Object.values(tensors).map(({ gradientNorm }) => gradientNorm));
      expect(norm / made[i].gradientNorm).toBeCloseTo(1, 4);
    });
  });

  it('adds micro-batches up under one scale', async () => {
    const [wanted, found] = [
      losses(await run({ precision: 'float16' })),
      losses(await run({ precision: 'float16', microBatchSize: 2 })),
    ];
    found.slice(0, 1).forEach((loss, i) => expect(loss).toBeCloseTo(wanted[i], 1)); // other dropout in each part
    expect(Math.abs(found.at(-1)! - wanted.at(-1)!)).toBeLessThan(0.2);
  });

  it('names what does not go together', async () => {
    await expect(run({ precision: 'float12' as never })).rejects.toThrow(
      "E_OPTION: the precision 'float12' is unknown",
    );
    await expect(run({ recompute: ['norms'] as never })).rejects.toThrow('E_OPTION');
    expect(() => float16({ backoffFactor: 2 })).toThrow('E_OPTION: growthFactor 2 and backoffFactor 2');
    await expect(
      run({ precision: float16({ initialScale: 2 ** 120, backoffFactor: 1e-30 }), steps: 3 }),
    ).rejects.toThrow('E_LOSS_SCALE');
    expect(mixedPrecision({ products: 'bfloat16' }).lossScaling).toBeUndefined();
    expect(precisionPlugins.map((plugin) => plugin().name)).toEqual(['bfloat16', 'float16', 'float8']);
  });
});

describe('training in less memory', () => {
  it('gives the same losses with layers that run again and the loss in chunks', async () => {
    const wanted = losses(await run({}));
    for (const options of [
      { recompute: 'blocks' },
      { chunkedLoss: 5 },
      { recompute: ['attention', 'feedForward'], chunkedLoss: true },
    ] as const) {
      const found = losses(await run(options));
      found.forEach((loss, i) => expect(loss).toBeCloseTo(wanted[i], 4));
    }
  });

  const learners: [string, () => Model, () => Partial<TrainOptions>][] = [
    ['an encoder with masked words', () => encoder('masked-lm'), () => ({ objective: maskedLanguageModeling() })],
    ['an encoder-decoder', () => encoderDecoder(), () => ({ objective: sequenceToSequence(), data: pairs })],
    ['a decoder with completions', () => decoder(), () => ({ objective: completion(), data: questions })],
  ];
  const pairs = sentences.map((text) => ({
    source: text.toLowerCase().replace('?', ''),
    target: 'to ' + text[0].toLowerCase(),
  }));
  const questions = pairs.map(({ source, target }) => ({ prompt: source, completion: target }));

  it.each(learners)('gives the same losses to %s', async (_name, model, options) => {
    const learn = async (more: Partial<TrainOptions>): Promise<number[]> => {
      const given = { ...common, data: sentences, steps: 6, batchSize: 2, ...options(), ...more };
      const { model: trained, history } = await train(model(), given as TrainOptions);
      disposeModel(trained);
      return history.steps.map(({ loss }) => loss);
    };
    const wanted = await learn({ chunkedLoss: false });
    expect(wanted.at(-1)).not.toBe(wanted[0]);
    for (const more of [{ recompute: 'blocks' }, { recompute: ['attention'], chunkedLoss: 3 }] as const)
      (await learn(more)).forEach((loss, i) => expect(loss).toBeCloseTo(wanted[i], 4));
  });

  it('refuses chunks where there is no vocabulary', async () => {
    const options = { ...common, data: sentences.map((text) => ({ text, label: 1 })), chunkedLoss: true };
    const objective = sequenceClassification();
    await expect(train(encoder('sequence-classification'), { ...options, objective })).rejects.toThrow(
      'E_OPTION: chunkedLoss is for a loss over a vocabulary, which sequence-classification has not',
    );
  });

  it('keeps small gradients in float16 with the loss in chunks', async () => {
    const wanted = losses(await run({ precision: 'float16' }));
    const found = losses(await run({ precision: 'float16', chunkedLoss: 7, recompute: 'blocks' }));
    found.forEach((loss, i) => expect(loss).toBeCloseTo(wanted[i], 2));
  });
});

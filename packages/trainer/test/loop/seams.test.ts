/** What objectives, gradient methods, regularizers and a choice of what learns can do within a step. */
import * as tf from '@tensorflow/tfjs-core';
import { createKey, createModel, gpt2, selectBackend, weightSymbol } from '@tesserae/core';
import type { Gpt2Config, Model, WeightForm, WeightOperations } from '@tesserae/core';
import { adamw, createTrainingStep, gradientsOf, sgd, train } from '@tesserae/trainer';
import type { GradientMethod, Regularizer, RunningObjective, TrainOptions } from '@tesserae/trainer';
import { beforeAll, describe, expect, it } from 'vitest';
import { scratchFolder } from '../scratch';
import { disposeModel, parameterValues, tinyIds, tinyModel } from '../tiny-model';

beforeAll(() => selectBackend({ prefer: 'onnx', log: false }));

const sumOf = (tensor: tf.Tensor): tf.Scalar => tf.sum(tensor);

/** Two losses over one batch: right ids near one logit, a float target near another. */
const twoLosses: RunningObjective = {
  name: 'two losses',
  hyperparameters: {},
  parts: ['ids', 'target'],
  prepare: (_model, _data, { rows }) => ({
    contextLength: 4,
    fingerprint: 'fixed',
    evaluationBatches: [batchOf(0, rows)],
    sampler: (step) => batchOf(step, rows),
  }),
  losses(run, { inputIds, labels, target }) {
    const { logits } = run.forward({ inputIds }); // [B,T,V]
    const [B, T, V] = logits.shape as [number, number, number];
    const hit = tf.mul(tf.oneHot(tf.cast(labels, 'int32'), V), tf.logSoftmax(logits)); // [B,T,V]
    return {
      ids: tf.mul(tf.div(sumOf(hit), B * T), -1) as tf.Scalar,
      target: tf.mean(tf.squaredDifference(tf.mean(logits, [1, 2]), tf.reshape(target, [B]))) as tf.Scalar,
    };
  },
};

function batchOf(step: number, rows: number): { inputIds: Int32Array; labels: Int32Array; target: Float32Array } {
  const inputIds = Int32Array.from({ length: rows * 4 }, (_, i) => (i * 5 + step) % 12);
  return {
    inputIds,
    labels: inputIds.map((id) => (id + 1) % 12),
    target: Float32Array.from({ length: rows }, (_, i) => i / 7),
  };
}

/** The sum of all losses, and how many steps were made. */
const counting: GradientMethod = {
  name: 'counting',
  hyperparameters: { by: 1 },
  init: ({ parts }) => [tf.zeros([parts.length])],
  gradients({ losses, parameters, state: [count] }) {
    const each = Object.keys(losses(parameters)).map((name) => gradientsOf((other) => losses(other)[name], parameters));
    const gradients = parameters.map((_, i) => tf.addN(each.map((one) => one.gradients[i])));
    return { losses: losses(parameters), gradients, state: [tf.add(count, 1)] };
  },
};

const towards = (value: number, strength = 1): Regularizer => ({
  name: 'towards',
  hyperparameters: { value, strength },
  tensors: { goal: tf.fill([8], value) },
  penalty: (parameters, { goal }) =>
    tf.mul(sumOf(tf.squaredDifference(parameters.get('layers.0.bias')!, goal)), strength) as tf.Scalar,
});

const options = { steps: 6, batchSize: 4, contextLength: 4, optimizer: adamw(), progress: false } as const;
const run = async (more: Partial<TrainOptions>): ReturnType<typeof train> => {
  const model = tinyModel();
  const result = await train(model, { ...options, data: [], ...more } as TrainOptions);
  disposeModel(model);
  return result as never;
};

describe('an objective with several losses', () => {
  it('reports each, learns their sum, and is the same in micro-batches', async () => {
    const whole = await run({ objective: twoLosses, evaluateEvery: 6 });
    const inParts = await run({ objective: twoLosses, microBatchSize: 2 });
    whole.history.steps.forEach(({ loss, parts }, i) => {
      expect(Object.keys(parts!)).toEqual(['ids', 'target']);
      expect(loss).toBeCloseTo(parts!.ids + parts!.target, 6);
      expect(inParts.history.steps[i].loss).toBeCloseTo(loss, 4);
    });
    expect(whole.history.evaluations[0].loss).toBeLessThan(whole.history.steps[0].loss);
    [whole, inParts].forEach((result) => disposeModel(result.model));
  });

  it('draws as many dropout masks as it asks for, the same ones again for the same draw', async () => {
    const seen: Record<string, tf.Scalar>[] = [];
    const masks: RunningObjective = {
      ...twoLosses,
      parts: ['same', 'other'],
      draws: 2,
      losses({ forward }, { inputIds }) {
        const [a, b, c] = [0, 0, 1].map((draw) => forward({ inputIds }, { draw }).logits);
        const difference = (x: tf.Tensor, y: tf.Tensor): tf.Scalar => sumOf(tf.abs(tf.sub(x, y)));
        const losses = { same: difference(a, b), other: difference(a, c) };
        seen.push(losses);
        return losses;
      },
    };
    const size = { vocabSize: 12, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 8 };
    const model = createModel(gpt2, { ...size, residualDropout: 0.4 } as Gpt2Config, { seed: 1 });
    const result = await train(model, { ...options, data: [], steps: 1, objective: masks });
    const { parts } = result.history.steps[0];
    expect(parts!.same).toBe(0);
    expect(parts!.other).toBeGreaterThan(0.1);
    [model, result.model].forEach((one) => disposeModel(one));
  });
});

describe('a gradient method', () => {
  it('that sums gradients gives what the gradient of the sum gives; its state counts and is resumed', async () => {
    const plain = await run({ objective: twoLosses });
    const folder = scratchFolder();
    const checkpoint = { folder, every: 3 };
    const more = { objective: twoLosses, gradients: counting, checkpoint };
    const half = await run({ ...more, steps: 3 });
    const rest = await run({ ...more, resume: true });
    rest.history.steps.forEach(({ loss }, i) => expect(loss).toBeCloseTo(plain.history.steps[i].loss, 5));
    const { readSafetensors } = await import('@tesserae/core');
    const { tensors } = await readSafetensors(`${folder}/step-000006/optimizer.safetensors`);
    expect(Array.from(tensors.get('gradientMethod.0')!.data as Float32Array)).toEqual([6, 6]);
    await expect(
      run({ ...more, gradients: { ...counting, hyperparameters: { by: 2 } }, resume: true }),
    ).rejects.toThrow('other options');
    [plain, half, rest].forEach((result) => disposeModel(result.model));
  });

  it('is refused with micro-batches', async () => {
    await expect(run({ objective: twoLosses, gradients: counting, microBatchSize: 2 })).rejects.toMatchObject({
      code: 'E_OPTION',
      message: expect.stringContaining('one piece') as string,
    });
  });
});

describe('a regularizer', () => {
  it.each([undefined, counting])('pulls parameters and is reported apart from the loss (%#)', async (gradients) => {
    const regularizers = [towards(3, 50), towards(3, 50)];
    const more = { data: tinyIds(200), steps: 60, optimizer: sgd({ learningRate: 1e-3 }), gradientClipNorm: null };
    const free = await run({ ...more, ...(gradients && { gradients }) });
    const held = await run({ ...more, regularizers, ...(gradients && { gradients }) });
    const bias = (result: typeof free): number => parameterValues(result.model as never)[2][0];
    expect(Math.abs(bias(held) - 3)).toBeLessThan(0.05);
    expect(Math.abs(bias(free) - 3)).toBeGreaterThan(2);
    const [first] = held.history.steps;
    expect(first.loss).toBeCloseTo(free.history.steps[0].loss, 4);
    expect(first.parts!.loss).toBeCloseTo(first.loss, 5);
    expect(first.parts!.penalty).toBeGreaterThan(100);
    [free, held].forEach((result) => disposeModel(result.model));
    for (const { tensors } of regularizers) {
      expect(tensors.goal.isDisposed).toBe(false);
      tensors.goal.dispose();
    }
  });
});

/** A matrix that is the sum of a fixed and a learned one. */
interface Sum extends WeightForm {
  readonly fixed: tf.Tensor2D;
  readonly change: tf.Tensor2D;
}
const sumOperations: WeightOperations<Sum> = {
  kind: 'sum',
  shape: ({ fixed }) => fixed.shape,
  linear: ({ fixed, change }, x) => tf.matMul(x as tf.Tensor2D, tf.add(fixed, change)),
  embed: ({ fixed, change }, ids) => tf.gather(tf.add(fixed, change), ids as tf.Tensor1D),
  toDense: ({ fixed, change }) => tf.add(fixed, change),
  tensors: ({ fixed, change }) => ({ fixed, change }),
  withTensors: (weight, tensors) => ({ ...weight, ...tensors }),
  trainable: () => ['change'],
  structure: () => 'sum',
};
const sumForm = (fixed: tf.Tensor2D): Sum => ({
  [weightSymbol]: sumOperations as unknown as WeightOperations,
  fixed,
  change: tf.zeros(fixed.shape),
});

describe('what learns', () => {
  it('is what trainable says: the rest stays, without optimizer state', async () => {
    const model = tinyModel();
    const before = parameterValues(model);
    const trainable = (path: string): boolean => path === 'head';
    const step = createTrainingStep(model, {
      ...{ optimizer: adamw(), batchSize: 4, contextLength: 4, key: createKey(0), trainable },
    });
    expect(step.paths).toEqual(['head']);
    const held = Object.values(step.state()).flat();
    expect(held.filter(({ rank }) => rank > 0).map(({ shape }) => shape)).toEqual([
      [8, 12],
      [8, 12],
    ]); // its two moments
    step.dispose();
    const folder = scratchFolder();
    const more = { ...options, data: tinyIds(200), trainable };
    const half = await train(model, { ...more, steps: 3, checkpoint: { folder } });
    const rest = await train(model, { ...more, checkpoint: { folder }, resume: true });
    const whole = await train(model, more);
    expect(rest.history.steps.map(({ loss }) => loss)).toEqual(whole.history.steps.map(({ loss }) => loss));
    disposeModel(model);
    const after = parameterValues(rest.model);
    expect(after.slice(0, 3)).toEqual(before.slice(0, 3));
    expect(after[3]).not.toEqual(before[3]);
    await expect(
      train(rest.model, { ...more, trainable: () => true, checkpoint: { folder }, resume: true }),
    ).rejects.toMatchObject({ code: 'E_CHECKPOINT_FOREIGN' });
    await expect(train(rest.model, { ...more, trainable: () => false })).rejects.toMatchObject({ code: 'E_OPTION' });
    [half, rest, whole].forEach((result) => disposeModel(result.model));
  });

  it('is, inside weight forms, what the form names; a checkpoint holds that alone', async () => {
    const start = tinyModel();
    const { embedding, layers, head } = start.params as { embedding: tf.Tensor; layers: object[]; head: tf.Tensor2D };
    const table = sumForm(embedding as tf.Tensor2D);
    const architecture = {
      ...start.architecture,
      forward: ((params, inputs, how) =>
        start.architecture.forward(
          { ...params, embedding: sumOperations.toDense((params as { embedding: unknown }).embedding as Sum) },
          inputs,
          how,
        )) as typeof start.architecture.forward,
    };
    const params = { embedding: table, layers, head } as unknown as Model['params'];
    const model = { ...start, architecture, params, trainable: (path: string) => path.includes('#') };
    const folder = scratchFolder();
    const more = { ...options, data: tinyIds(200), optimizer: adamw({ learningRate: 0.01 }) };
    const result = await train(model, { ...more, checkpoint: { folder } });
    const learned = result.model.params.embedding as unknown as Sum;
    expect(Array.from(learned.fixed.dataSync())).toEqual(Array.from(table.fixed.dataSync()));
    expect(learned.change.dataSync().some((value) => value !== 0)).toBe(true);
    expect(table.change.dataSync().every((value) => value === 0)).toBe(true);
    const { readSafetensors } = await import('@tesserae/core');
    const { tensors } = await readSafetensors(`${folder}/step-000006/model.safetensors`);
    expect([...tensors.keys()]).toEqual(['tiny.embedding#change']);
    const again = await train(model, { ...more, steps: 8, checkpoint: { folder }, resume: true });
    expect(again.history.steps.length).toBe(8);
    const { trainable: _own, ...silent } = model;
    const stubborn = { ...sumOperations, trainable: () => [] } as unknown as WeightOperations;
    const none = { ...silent, params: { ...params, embedding: { ...table, [weightSymbol]: stubborn } } } as never;
    await expect(train(none, more)).rejects.toMatchObject({ code: 'E_WEIGHT_FORM' });
    [model, result.model, again.model].forEach((one) => disposeModel(one));
  });
});

describe('parameters and optimizer state', () => {
  it('are written over from the first step on', async () => {
    const model = tinyModel();
    const step = createTrainingStep(model, { optimizer: adamw(), batchSize: 2, contextLength: 4, key: createKey(1) });
    const backend = tf.backend() as unknown as { record(id: object): { values: Float32Array } };
    const memory = (): ArrayBufferLike[] =>
      [...step.parameters(), ...step.state().mean, ...step.state().variance].map(
        ({ dataId }) => backend.record(dataId).values.buffer,
      );
    const found = [memory()];
    for (const made of [1, 2]) {
      await step.run(batchOf(0, 2), 1e-3, made);
      found.push(memory());
    }
    const stays = (from: number): boolean[] => found[from + 1].map((buffer, i) => buffer === found[from][i]);
    expect(stays(1).filter(Boolean).length).toBeGreaterThanOrEqual(8); // of 12: a program may read what it overwrites
    expect(stays(0)).toEqual(stays(1));
    step.dispose();
    disposeModel(model);
  });
});

import * as tf from '@tensorflow/tfjs-core';
import { bert, createModel, disposeModel, flattenParams, gpt2, selectBackend } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { describePluginContract } from '@tesserae/registry/testing';
import { trainWordPiece } from '@tesserae/tokenizer';
import {
  adamw,
  classification,
  createMultiTaskModel,
  evaluate,
  evaluateTasks,
  gradnorm,
  multiTask,
  pcgrad,
  progressSampling,
  regression,
  sequenceClassification,
  sizeSampling,
  taskModel,
  temperatureSampling,
  tokenLabeling,
  train,
  transferMatrix,
  uncertaintyWeighting,
} from '@tesserae/trainer';
import type { OutputObjective, RunningObjective, TaskSampling } from '@tesserae/trainer';
import { beforeAll, describe, expect, it } from 'vitest';
import { rowShares } from '../../src/multi-task/row-shares';

beforeAll(() => selectBackend({ prefer: 'onnx', log: false }));

describePluginContract(sizeSampling, { describe, it });
describePluginContract(temperatureSampling, { describe, it });
describePluginContract(progressSampling, { describe, it, options: [{ totalSteps: 9 }] });
describePluginContract(multiTask, { describe, it, options: [{ tasks: { a: sequenceClassification() } }] });

/** Sentences of two words: what they are about, how warm they are, and which word is the thing. */
const things = ['tea', 'ice', 'soup', 'snow'];
const moods = ['nice', 'poor'];
const texts = things.flatMap((thing) => moods.map((mood) => ({ thing, mood, text: `${mood} ${thing}` })));
const rows = [
  ...texts.map(({ text, mood }) => ({ task: 'mood', text, label: moods.indexOf(mood) })),
  ...texts.map(({ text, thing }) => ({ task: 'warmth', text, label: thing === 'tea' || thing === 'soup' ? 1 : -1 })),
  ...texts.map(({ text }) => ({ task: 'words', words: text.split(' '), tags: ['mood', 'thing'] })),
];
const tokenizer = trainWordPiece(
  texts.map(({ text }) => text),
  { vocabSize: 60 },
);
const size = {
  vocabSize: tokenizer.vocabSize,
  hiddenSize: 16,
  intermediateSize: 16,
  numHiddenLayers: 1,
  numAttentionHeads: 2,
  maxPositionEmbeddings: 16,
  hiddenDropout: 0,
  attentionDropout: 0,
  padTokenId: 0,
  initializerRange: 0.2,
};
const heads = {
  mood: { kind: 'classification' },
  warmth: { kind: 'regression' },
  words: { kind: 'token-classification', numLabels: 2 },
} as const;
const tasks = {
  mood: sequenceClassification(),
  warmth: regression(),
  words: tokenLabeling({ labels: ['mood', 'thing'] }),
};
const trunkOf = () => createModel(bert, { ...size, head: 'masked-lm' }, { seed: 1, tokenizer });
const options = { batchSize: 6, optimizer: adamw({ learningRate: 0.005 }), progress: false } as const;

describe('createMultiTaskModel', () => {
  it('takes over the body and puts heads on it', () => {
    const trunk = trunkOf();
    const before = tf.memory().numTensors;
    const model = createMultiTaskModel(trunk, heads, { seed: 2 });
    const known = new Map(flattenParams(trunk.params));
    const own = flattenParams(model.params);
    for (const [path, weight] of own) {
      const values = (weight as tf.Tensor).dataSync();
      if (known.has(path)) expect(values).toEqual((known.get(path) as tf.Tensor).dataSync());
      else expect(path).toMatch(/^(heads|pooler)\./);
    }
    expect(own.map(([path]) => path)).toContain('heads.words.bias');
    expect(own.map(([path]) => path).filter((path) => path.startsWith('languageHead'))).toEqual([]);
    disposeModel(model);
    expect(tf.memory().numTensors).toBe(before);
    disposeModel(trunk);
  });
  it('works on a decoder too, which has no pooler: the mean over real tokens', () => {
    const { hiddenDropout: _, ...form } = size;
    const trunk = createModel(gpt2, form, { seed: 1 });
    const model = createMultiTaskModel(trunk, { mood: { kind: 'classification' } });
    const view = taskModel(model, 'mood');
    const logits = (ids: number[], mask: number[]): number[] =>
      tf.tidy(() => {
        const [inputIds, attentionMask] = [ids, mask].map((list) => tf.tensor2d([list], undefined, 'int32'));
        const output = view.architecture.forward(view.params, { inputIds, attentionMask }, { config: view.config });
        return Array.from(output.logits.dataSync());
      });
    const [short, padded] = [logits([5, 6], [1, 1]), logits([5, 6, 0, 0], [1, 1, 0, 0])];
    short.forEach((value, i) => expect(padded[i]).toBeCloseTo(value, 5));
    [trunk, model].forEach(disposeModel);
  });
  it('refuses heads that cannot be', () => {
    const trunk = trunkOf();
    expect(() => createMultiTaskModel(trunk, {})).toThrow('[trainer/multi-task] E_OPTION: heads are');
    expect(() => createMultiTaskModel(trunk, { 'a.b': { kind: 'regression' } })).toThrow('a head named "a.b"');
    expect(() => createMultiTaskModel(trunk, { a: { kind: 'guess' as never } })).toThrow('of kind "guess"');
    expect(() => createMultiTaskModel(trunk, { a: { kind: 'regression', numLabels: 0 } })).toThrow('has 0 labels');
    const model = createMultiTaskModel(trunk, heads);
    expect(() => taskModel(model, 'moods')).toThrow("there is no head 'moods'; there are mood, warmth, words");
    [trunk, model].forEach(disposeModel);
  });
});

describe('sampling', () => {
  it('has the shares of the papers', () => {
    expect(temperatureSampling({ temperature: Infinity }).shares([9, 1], 0)).toEqual([1, 1]);
    expect(temperatureSampling({ temperature: 1, limit: 5 }).shares([9, 1], 0)).toEqual([5, 1]);
    const late = progressSampling({ totalSteps: 11 }).shares([32, 1], 99);
    expect(late[0]).toBeCloseTo(2, 10); // 32^0.2
    expect(() => temperatureSampling({ temperature: 0.5 })).toThrow('E_OPTION');
    expect(() => progressSampling({} as never)).toThrow('E_OPTION');
  });
  it('gives every task its share over time, at any step first', () => {
    const sampling = progressSampling({ totalSteps: 40 });
    const sizes = [70, 20, 10];
    const shares = rowShares(sampling, sizes, 4);
    const wanted = [0, 0, 0];
    const given = [0, 0, 0];
    for (let step = 0; step < 40; step++) {
      const now = sampling.shares(sizes, step);
      const total = now.reduce((a, b) => a + b, 0);
      const { rows: rowsNow, before } = shares(step);
      expect(before).toEqual(given);
      expect(rowsNow.reduce((a, b) => a + b, 0)).toBe(4);
      rowsNow.forEach((count, k) => {
        given[k] += count;
        wanted[k] += (4 * now[k]) / total;
        expect(Math.abs(given[k] - wanted[k])).toBeLessThan(1.5);
      });
    }
    expect(rowShares(sampling, sizes, 4)(39)).toEqual(shares(39));
    expect(shares(3)).toEqual(rowShares(sampling, sizes, 4)(3));
  });
  it('refuses shares that are none', () => {
    const wrong: TaskSampling = { name: 'wrong', hyperparameters: {}, shares: () => [0, 0] };
    expect(() => rowShares(wrong, [1, 1], 2)(0)).toThrow('wrong gave the shares 0, 0');
  });
});

describe('multiTask', () => {
  const parts = async (model: Model<never>, data: readonly object[]): Promise<Record<string, number>> => {
    const objective = multiTask({ tasks, sampling: sizeSampling() });
    const { history, model: trained } = await train(model, {
      ...options,
      data,
      objective,
      batchSize: 24,
      steps: 1,
    });
    disposeModel(trained);
    return { ...history.steps[0].parts! };
  };

  it('has the losses that each task alone has', async () => {
    const trunk = trunkOf();
    const model = createMultiTaskModel(trunk, heads, { seed: 2 });
    const found = await parts(model as never, rows); // 24 rows a step: every row once, 8 of each task
    for (const name of ['mood', 'warmth', 'words'] as const) {
      const view = taskModel(model, name);
      const { history, model: alone } = await train(view, {
        ...options,
        data: rows.filter(({ task }) => task === name),
        objective: tasks[name],
        batchSize: 8,
        steps: 1,
      });
      expect(found[name]).toBeCloseTo(history.steps[0].loss, 5);
      disposeModel(alone);
    }
    [trunk, model].forEach(disposeModel);
  });

  it.each([undefined, pcgrad(), gradnorm(), uncertaintyWeighting()])(
    'learns tasks of three kinds at once (%#)',
    async (gradients) => {
      const trunk = trunkOf();
      const model = createMultiTaskModel(trunk, heads, { seed: 2 });
      const before = tf.memory().numTensors;
      const objective = multiTask({ tasks });
      const result = await train(model, {
        ...options,
        data: rows,
        objective,
        steps: 120,
        ...(gradients && { gradients }),
      });
      const tests = {
        mood: { data: rows.filter(({ task }) => task === 'mood') as never },
        warmth: { data: rows.filter(({ task }) => task === 'warmth') as never },
        words: {
          data: rows.filter(({ task }) => task === 'words') as never,
          labels: ['mood', 'thing'],
          metric: 'accuracy',
        },
      };
      const { scores, mean, worst } = await evaluateTasks(result.model, tests, { progress: false });
      expect(scores.mood).toBe(1);
      expect(scores.warmth).toBeGreaterThan(0.9);
      expect(scores.words).toBe(1);
      expect(scores[worst]).toBeLessThanOrEqual(mean);
      disposeModel(result.model);
      expect(tf.memory().numTensors).toBe(before);
      [trunk, model].forEach(disposeModel);
    },
  );

  it('evaluates on rows that were kept, and repeats itself', async () => {
    const trunk = trunkOf();
    const model = createMultiTaskModel(trunk, heads, { seed: 2 });
    const run = async () => {
      const objective = multiTask({ tasks, sampling: progressSampling({ totalSteps: 20 }) });
      const more = { evaluateEvery: 10, evaluationBatches: 3, validationFraction: 0.25 };
      const result = await train(model, { ...options, data: rows, objective, steps: 20, ...more });
      disposeModel(result.model);
      return result.history;
    };
    const [one, other] = [await run(), await run()];
    expect(one.evaluations).toEqual(other.evaluations);
    expect(one.steps.map(({ loss }) => loss)).toEqual(other.steps.map(({ loss }) => loss));
    expect(one.evaluations.map(({ step }) => step)).toEqual([10, 20]);
    expect(one.evaluations.every(({ loss }) => loss > 0)).toBe(true);
    [trunk, model].forEach(disposeModel);
  });

  it('puts rows of all tasks into a batch, with labels that count for their own alone', async () => {
    const trunk = trunkOf();
    const model = createMultiTaskModel(trunk, heads) as unknown as Model;
    const settings = {
      rows: 6,
      evaluationRows: 6,
      evaluationBatches: 0,
      contextLength: undefined,
      validationFraction: 0,
      seed: 0,
    };
    const { sampler, contextLength: T } = await multiTask({ tasks }).prepare(model, rows, settings);
    const batch = sampler(5);
    const task = Array.from(batch.task!);
    expect([0, 1, 2].map((k) => task.filter((one) => one === k).length)).toEqual([2, 2, 2]);
    task.forEach((k, i) => {
      expect((batch['labels:mood'] as Int32Array)[i] === -100).toBe(k !== 0);
      expect((batch['labels:warmth'] as Float32Array)[i] === 0).toBe(k !== 1);
      expect((batch['labels:words'] as Int32Array).subarray(i * T, (i + 1) * T).every((id) => id === -100)).toBe(
        k !== 2,
      );
    });
    [trunk, model].forEach(disposeModel);
  });

  it('refuses rows, tasks and models that cannot be', async () => {
    const trunk = trunkOf();
    const model = createMultiTaskModel(trunk, heads);
    const run = async (data: readonly object[], objective = multiTask({ tasks }), of: Model = model as never) =>
      train(of, { ...options, data, objective, steps: 1 });
    await expect(run([{ task: 'x', text: 'a' }])).rejects.toThrow('E_OBJECTIVE_DATA: row 0 has the task "x"');
    await expect(run(rows.slice(0, 9))).rejects.toThrow('the task warmth has 1 rows');
    await expect(run(rows, multiTask({ tasks: { other: regression() } }))).rejects.toThrow('E_OBJECTIVE_MODEL');
    await expect(run(rows, undefined, trunk as never)).rejects.toThrow('has no head for mood, warmth, words');
    const strange: OutputObjective = {
      ...(tasks.mood as OutputObjective),
      prepare: () => ({
        contextLength: 1,
        fingerprint: '',
        evaluationBatches: [],
        sampler: () => ({ inputIds: Int32Array.of(1), start: Int32Array.of(1) }),
      }),
    };
    await expect(run(rows, multiTask({ tasks: { ...tasks, mood: strange } }))).rejects.toThrow('hold inputIds, start');
    expect(() => multiTask({ tasks: {} })).toThrow('there are no tasks');
    expect(() => multiTask({ tasks: { a: {} as RunningObjective } })).toThrow('the task a has no objective');
    const tests = { mood: { data: [{ text: 'nice tea', label: 0 }], metric: 'f2' } };
    await expect(evaluateTasks(model, tests, { progress: false })).rejects.toThrow("mood has no score 'f2'");
    await expect(evaluateTasks(model, {})).rejects.toThrow('there are no tasks to try');
    [trunk, model].forEach(disposeModel);
  });

  it('gives a task as a model that evaluate takes', async () => {
    const trunk = trunkOf();
    const model = createMultiTaskModel(trunk, heads);
    const data = texts.map(({ text, mood }) => ({ text, label: moods.indexOf(mood) }));
    const { metrics } = await evaluate(taskModel(model, 'mood'), classification({ data }), { progress: false });
    expect(metrics.accuracy.value).toBeGreaterThanOrEqual(0);
    [trunk, model].forEach(disposeModel);
  });
});

describe('transferMatrix', () => {
  it('holds each pair to each task alone', async () => {
    const seen: string[] = [];
    const { alone, gains } = await transferMatrix(['a', 'b', 'c'], async (some) => {
      seen.push(some.join(''));
      return Object.fromEntries(some.map((name, i) => [name, some.length + i / 10]));
    });
    expect(seen).toEqual(['a', 'b', 'c', 'ab', 'ac', 'bc']);
    expect(alone).toEqual([1, 1, 1]);
    expect(gains).toEqual([
      [0, expect.closeTo(1.1, 10), expect.closeTo(1.1, 10)],
      [1, 0, expect.closeTo(1.1, 10)],
      [1, 1, 0],
    ]);
  });
  it('refuses one task, and a missing score', async () => {
    await expect(transferMatrix(['a'], async () => ({}))).rejects.toThrow('E_OPTION');
    await expect(transferMatrix(['a', 'b'], async () => ({}))).rejects.toThrow('gave no score for a');
  });
});

import * as tf from '@tensorflow/tfjs-core';
import { selectBackend } from '@tesserae/core';
import { describePluginContract } from '@tesserae/registry/testing';
import { fgm, gradnorm, pcgrad, sgd, train, uncertaintyWeighting } from '@tesserae/trainer';
import type { GradientMethod, RunningObjective } from '@tesserae/trainer';
import { beforeAll, describe, expect, it } from 'vitest';
import { rebalanced } from '../../src/gradient-methods/gradnorm';
import { projectConflicts } from '../../src/gradient-methods/pcgrad';
import { disposeModel, parameterValues, tinyModel } from '../tiny-model';

for (const plugin of [fgm, gradnorm, pcgrad, uncertaintyWeighting] as const)
  describePluginContract<GradientMethod>(plugin, { describe, it });

beforeAll(() => selectBackend({ prefer: 'onnx', log: false }));

const values = (tensor: tf.Tensor): number[] => Array.from(tensor.dataSync());
const near = (found: readonly number[], wanted: readonly number[]): void => {
  expect(found.length).toBe(wanted.length);
  found.forEach((value, i) => expect(value).toBeCloseTo(wanted[i], 5));
};
const scalar = (tensor: tf.Tensor): tf.Scalar => tensor as tf.Scalar;

/** Two losses of one vector x [2] and a vector y [2] that only the second reads. */
const losses = ([x, y]: readonly tf.Tensor[]): Record<string, tf.Scalar> => ({
  cubes: scalar(tf.div(tf.sum(tf.pow(x, 3)), 3)),
  meet: scalar(tf.sum(tf.square(tf.add(x, y)))),
});
const inputs = (method: GradientMethod) => {
  const parameters = [tf.tensor1d([1, 2]), tf.tensor1d([-3, 1])];
  const paths = ['layers.0.x', 'heads.meet.y'];
  const state = method.init?.({ parts: ['cubes', 'meet'], parameters, paths }) ?? [];
  return { losses, parameters, paths, state, learningRate: tf.scalar(0.1) };
};
const ofCubes = [1, 4]; // x²
const ofMeet = [-4, 6]; // 2 (x + y), for x and for y

describe('fgm', () => {
  it('adds the gradients where the loss is larger', () => {
    const method = fgm({ epsilon: 0.5, weight: 2, disturbs: (path) => path.endsWith('x') });
    const { gradients, losses: reported } = method.gradients(inputs(method));
    const g = [ofCubes[0] + ofMeet[0], ofCubes[1] + ofMeet[1]];
    const moved = g.map((one, i) => [1, 2][i] + (0.5 * one) / Math.hypot(...g));
    const there = moved.map((x, i) => x * x + 2 * (x + [-3, 1][i]));
    near(
      values(gradients[0]),
      g.map((one, i) => one + 2 * there[i]),
    );
    near(
      values(gradients[1]),
      moved.map((x, i) => ofMeet[i] + 4 * (x + [-3, 1][i])),
    );
    near([...values(reported.cubes), ...values(reported.meet)], [3, 13]);
  });
  it('stays finite without a gradient', () => {
    const method = fgm({ disturbs: () => true });
    const flat = { ...inputs(method), losses: ([x]: readonly tf.Tensor[]) => ({ none: scalar(tf.sum(tf.mul(x, 0))) }) };
    near(values(method.gradients(flat).gradients[0]), [0, 0]);
  });
  it('says when it disturbs nothing', () => {
    expect(() => fgm().gradients(inputs(fgm()))).toThrow('[trainer/fgm] E_OPTION: disturbs chooses none of the 2');
    expect(() => fgm({ epsilon: 0 })).toThrow('E_OPTION');
  });
});

describe('pcgrad', () => {
  it('takes from each what hurts the other', () => {
    const flat = (list: number[][]): tf.Tensor[] => list.map((one) => tf.tensor1d(one));
    near(values(projectConflicts([flat([[1, 0]]), flat([[-1, 1]])])[0]), [0.5, 1.5]);
    near(values(projectConflicts([flat([[1, 0]]), flat([[1, 1]])])[0]), [2, 1]); // no conflict
    near(values(projectConflicts([flat([[1, 0]]), flat([[0, 0]])])[0]), [1, 0]); // a task without a gradient
    const [first, second] = projectConflicts([flat([[1], [0]]), flat([[-1], [1]])]); // over tensors together
    near([...values(first), ...values(second)], [0.5, 1.5]);
  });
  it('leaves gradients that no longer conflict, for any two', () => {
    for (let seed = 0; seed < 20; seed++) {
      const [a, b] = [tf.randomNormal([5], 0, 1, 'float32', seed), tf.randomNormal([5], 0, 1, 'float32', 100 + seed)];
      const sum = projectConflicts([[a], [b]])[0];
      expect(values(tf.sum(tf.mul(sum, a)))[0]).toBeGreaterThan(-1e-5); // no task gets worse
      expect(values(tf.sum(tf.mul(sum, b)))[0]).toBeGreaterThan(-1e-5);
    }
  });
  it('projects the gradients of losses', () => {
    const method = pcgrad();
    const { gradients } = method.gradients(inputs(method));
    near(values(gradients[0]), [ofCubes[0] + ofMeet[0], ofCubes[1] + ofMeet[1]]); // 1·-4 + 4·6 > 0
    near(values(gradients[1]), ofMeet);
  });
});

describe('uncertaintyWeighting', () => {
  it('weighs by what it learned, and learns by the gradient of its loss', () => {
    const method = uncertaintyWeighting({ learningRate: 0.1 });
    const s = [0.5, -0.25];
    const { gradients, state } = method.gradients({ ...inputs(method), state: [tf.tensor1d(s)] });
    const w = s.map((one) => Math.exp(-one));
    near(
      values(gradients[0]),
      ofCubes.map((one, i) => w[0] * one + w[1] * ofMeet[i]),
    );
    const total = (at: readonly number[]): number =>
      Math.exp(-at[0]) * 3 + at[0] / 2 + Math.exp(-at[1]) * 13 + at[1] / 2;
    const slope = s.map((_, k) => {
      const [up, down] = [1e-4, -1e-4].map((by) => total(s.map((one, i) => (i === k ? one + by : one))));
      return (up - down) / 2e-4;
    });
    near(
      values(state[0]),
      s.map((one, k) => one - 0.1 * slope[k]),
    );
  });
});

describe('gradnorm', () => {
  it('descends the distance to its targets, which are held fixed', () => {
    const [w, g, l, l0, alpha] = [[1.2, 0.8], [2, 5], [0.9, 0.5], [1, 2], 1.5];
    const progress = l.map((one, k) => one / l0[k]);
    const mean = (list: readonly number[]): number => list.reduce((sum, one) => sum + one, 0) / list.length;
    const targets = progress.map((one) => mean(w.map((x, k) => x * g[k])) * (one / mean(progress)) ** alpha);
    const distance = (at: readonly number[]): number =>
      at.reduce((sum, x, k) => sum + Math.abs(x * g[k] - targets[k]), 0);
    const moved = w.map((x, k) => {
      const [up, down] = [1e-5, -1e-5].map((by) => distance(w.map((one, i) => (i === k ? one + by : one))));
      return x - (0.01 * (up - down)) / 2e-5;
    });
    const [weights, norms, losses, start] = [w, g, l, l0].map((list) => tf.tensor1d(list));
    const found = rebalanced({ weights, norms, losses, start, alpha, learningRate: 0.01 });
    near(
      values(found),
      moved.map((x) => (2 * x) / (moved[0] + moved[1])),
    );
  });
  it('keeps the first losses, compares gradients of the last layer, and never loses a task', () => {
    const method = gradnorm({ learningRate: 0.01 });
    const first = method.gradients(inputs(method));
    near(values(first.gradients[0]), [ofCubes[0] + ofMeet[0], ofCubes[1] + ofMeet[1]]);
    near(values(first.state[1]), [3, 13]);
    const [own, other] = [Math.hypot(...ofCubes), Math.hypot(...ofMeet)];
    const moved = [1 + 0.01 * own, 1 - 0.01 * other]; // below and above the mean
    near(
      values(first.state[0]),
      moved.map((x) => (2 * x) / (moved[0] + moved[1])),
    );
    const wild = gradnorm({ learningRate: 10 });
    expect(Math.min(...values(wild.gradients(inputs(wild)).state[0]))).toBeGreaterThan(0);
  });
  it('says when nothing is shared', () => {
    const method = gradnorm({ shared: () => false });
    expect(() => method.gradients(inputs(method))).toThrow('[trainer/gradnorm] E_OPTION: none of the 2');
  });
});

/** What tinyModel learns here: two rules about the next id that contradict each other half of the time. */
const twoRules: RunningObjective = {
  name: 'two rules',
  hyperparameters: {},
  parts: ['next', 'same'],
  prepare: (_model, _data, { rows }) => ({
    contextLength: 4,
    fingerprint: 'fixed',
    evaluationBatches: [],
    sampler: (step) => ({ inputIds: Int32Array.from({ length: rows * 4 }, (_, i) => (i * 5 + step) % 12) }),
  }),
  losses(run, { inputIds }) {
    const hit = (by: number): tf.Scalar => {
      const { logits } = run.forward({ inputIds });
      const labels = tf.mod(tf.add(inputIds, by), 12);
      return scalar(
        tf.neg(tf.mean(tf.sum(tf.mul(tf.oneHot(tf.cast(labels, 'int32'), 12), tf.logSoftmax(logits)), -1))),
      );
    };
    return { next: hit(1), same: hit(0) };
  },
};

describe('in training', () => {
  it.each([fgm({ disturbs: (path) => path === 'embedding' }), pcgrad(), uncertaintyWeighting(), gradnorm()] as const)(
    '$name is one program, learns both losses, and repeats itself',
    async (gradients) => {
      const run = async (): Promise<{ parts: Record<string, number>[]; end: number[][] }> => {
        const model = tinyModel();
        const before = tf.memory().numTensors;
        const options = {
          data: [],
          steps: 30,
          batchSize: 3,
          optimizer: sgd({ learningRate: 0.3 }),
          progress: false,
        } as const;
        const result = await train(model, { ...options, objective: twoRules, gradients });
        expect(tf.memory().numTensors).toBe(before + 4); // the trained model
        const end = parameterValues(result.model);
        [model, result.model].forEach(disposeModel);
        return { parts: result.history.steps.map(({ parts }) => parts!), end };
      };
      const [one, other] = [await run(), await run()];
      expect(other).toEqual(one);
      const [first, last] = [one.parts[0], one.parts[29]];
      expect(last.next + last.same).toBeLessThan(first.next + first.same - 0.5);
    },
  );
});

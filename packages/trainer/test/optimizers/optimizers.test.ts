import * as tf from '@tensorflow/tfjs-core';
import { selectBackend } from '@tesserae/core';
import { adam, adamw, sgd } from '@tesserae/trainer';
import type { Optimizer } from '@tesserae/trainer';
import { describeOptimizerContract } from '@tesserae/trainer/testing';
import type { ReferenceSteps } from '@tesserae/trainer/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { goldenFile } from '../golden-file';

interface Tree {
  w: number[][];
  b: number[];
}
interface Golden {
  init: Tree;
  grads: Tree[];
  cases: { name: string; kwargs: { lr: number }; params_float32: Tree[] }[];
}
const golden = goldenFile<Golden>('ops_optimizers');
const lists = (tree: Tree): number[][] => [tree.w.flat(), tree.b];

function reference(name: string): ReferenceSteps {
  const found = golden.cases.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no golden case ${name}`);
  return {
    learningRate: found.kwargs.lr,
    shapes: [[3, 4], [5]],
    initial: lists(golden.init),
    gradients: golden.grads.map(lists),
    expected: found.params_float32.map(lists),
  };
}

const table: { name: string; create: () => Optimizer; learningRate: number }[] = [
  { name: 'adamw', create: () => adamw(), learningRate: 0.05 },
  {
    name: 'adamw_large_wd',
    create: () => adamw({ beta1: 0.8, beta2: 0.95, eps: 1e-6, weightDecay: 0.1 }),
    learningRate: 0.05,
  },
  { name: 'adam', create: () => adam(), learningRate: 0.05 },
  { name: 'sgd', create: () => sgd(), learningRate: 0.1 },
  { name: 'sgd_momentum', create: () => sgd({ momentum: 0.9 }), learningRate: 0.05 },
  {
    name: 'sgd_nesterov_wd',
    create: () => sgd({ momentum: 0.8, nesterov: true, weightDecay: 0.01 }),
    learningRate: 0.05,
  },
];

describe.each(['onnx', 'cpu'] as const)('on %s', (backend) => {
  beforeAll(async () => {
    await selectBackend({ prefer: backend, fallback: false, log: false });
  });
  for (const row of table) describeOptimizerContract({ ...row, reference: reference(row.name) }, { describe, it });
  describeOptimizerContract(
    { name: 'sgd with dampening', create: () => sgd({ momentum: 0.5, dampening: 0.2 }), learningRate: 0.05 },
    { describe, it },
  );
});

describe('weight decay', () => {
  it.each([
    ['adamw', adamw({ weightDecay: 0.5 })],
    ['adam', adam({ weightDecay: 0.5 })],
    ['sgd', sgd({ weightDecay: 0.5 })],
  ])('%s shrinks only the parameters that are flagged', (_, optimizer) => {
    tf.tidy(() => {
      const parameters = [tf.tensor1d([2]), tf.tensor1d([2])];
      const gradients = [tf.tensor1d([0]), tf.tensor1d([0])];
      const next = optimizer.update(gradients, optimizer.init(parameters), parameters, {
        learningRate: tf.scalar(0.1),
        step: tf.scalar(1),
        decay: [true, false],
      });
      expect(next.parameters[0].dataSync()[0]).toBeLessThan(2);
      expect(next.parameters[1].dataSync()[0]).toBe(2);
    });
  });
});

describe('dampening', () => {
  it('applies from the second step on, as in torch', () => {
    tf.tidy(() => {
      const optimizer = sgd({ momentum: 0.5, dampening: 0.25 });
      const context = (step: number) => ({ learningRate: tf.scalar(1), step: tf.scalar(step), decay: [false] });
      const start = [tf.tensor1d([0])];
      const gradient = [tf.tensor1d([1])];
      const first = optimizer.update(gradient, optimizer.init(start), start, context(1));
      expect(first.parameters[0].dataSync()[0]).toBe(-1);
      const second = optimizer.update(gradient, first.state, first.parameters, context(2));
      expect(second.parameters[0].dataSync()[0]).toBe(-1 - (0.5 + 0.75));
    });
  });
});

describe('options', () => {
  it('names the nearest option for an unknown one', () => {
    expect(() => adamw({ weightdecay: 0.1 } as never)).toThrow(
      "[trainer/adamw] E_UNKNOWN_OPTION: there is no option 'weightdecay'; did you mean 'weightDecay'?; use one of learningRate, beta1, beta2, eps, weightDecay",
    );
    expect(() => sgd({ lr: 0.1 } as never)).toThrow("did you mean 'learningRate'?");
  });
  it('says what a value must be', () => {
    expect(() => adamw({ beta1: 1 })).toThrow(
      "[trainer/adamw] E_OPTION: the option 'beta1' must be a number in [0, 1), found 1; give beta1 as a number in [0, 1)",
    );
    expect(() => adam({ eps: NaN })).toThrow('E_OPTION');
    expect(() => sgd({ momentum: '0.9' as never })).toThrow('found "0.9"');
    expect(() => sgd({ nesterov: true })).toThrow('nesterov needs momentum > 0');
    expect(() => adamw(3 as never)).toThrow('expected an options object, found 3');
  });
});

import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { registerGradients } from '@tesserae/core';
import type { TestRunner as RegistryTestRunner } from '@tesserae/registry/testing';

/** What a contract needs of a test runner: `describe` and `it`, such as vitest's. */
export type TestRunner = RegistryTestRunner;
import { eightBit } from '../optimizers/eightBit';
import type { Optimizer, OptimizerState } from '../optimizers/index';

/** Steps computed elsewhere, which the optimizer must repeat. */
export interface ReferenceSteps {
  readonly learningRate: number;
  /** Per parameter its shape. */
  readonly shapes: readonly (readonly number[])[];
  /** Per parameter its values before the first step. */
  readonly initial: readonly (readonly number[])[];
  /** Per step, per parameter. */
  readonly gradients: readonly (readonly (readonly number[])[])[];
  /** Per step, per parameter: the values after the step. */
  readonly expected: readonly (readonly (readonly number[])[])[];
}

/** What a contract needs to know of an optimizer. */
export interface OptimizerContract {
  readonly name: string;
  create(): Optimizer;
  /** A rate at which 300 steps on a well-behaved bowl make visible progress, and 100 on a small network. */
  readonly learningRate: number;
  readonly reference?: ReferenceSteps | undefined;
  /** Largest absolute difference to the reference: 1e-5. */
  readonly tolerance?: number;
}

/**
 * The tests that every optimizer passes: reference steps, descent on a rotated bowl, purity, exact continuation from
 * saved state, no leaked tensors, one flag of weight decay per parameter, and a final loss within 1 % when its state is
 * kept in 8 bits.
 *
 * Runs on whatever backend is active.
 *
 * @param contract the optimizer, a rate that suits it, and reference steps if there are any
 * @param runner `describe` and `it` of the test runner
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { sgd } from '@tesserae/trainer';
 * import { describeOptimizerContract } from '@tesserae/trainer/testing';
 * const names: string[] = [];
 * describeOptimizerContract(
 *   { name: 'sgd', create: () => sgd(), learningRate: 0.1 },
 *   { describe: (_, body) => body(), it: (name, body) => void (names.push(name), body()) },
 * );
 * console.log(names.length > 4); // → true
 * ```
 */
export function describeOptimizerContract(contract: OptimizerContract, runner: TestRunner): void {
  const { describe, it } = runner;
  describe(`optimizer contract: ${contract.name}`, () => {
    if (contract.reference !== undefined) {
      const { reference, tolerance = 1e-5 } = contract;
      it('repeats the reference steps', () => repeatReference(contract.create(), reference, tolerance));
    }
    it('descends a rotated bowl', () => descendBowl(contract));
    it("follows Rosenbrock's valley", () => followValley(contract));
    it('leaves its inputs alone and keeps the form of its state', () => checkPurity(contract));
    it('continues exactly from saved state', () => checkContinuation(contract));
    it('moves nothing where gradient and decay are zero', () => checkStillness(contract));
    it('scales gradients if it says so', () => checkScale(contract));
    it('ends within 1 % of its loss with its state in 8 bits', () => checkEightBits(contract));
    it('leaks no tensors', () => checkLeaks(contract));
  });
}

interface Run {
  parameters: Tensor[];
  state: OptimizerState;
}

const advance = (optimizer: Optimizer, run: Run, gradients: Tensor[], learningRate: number, step: number): Run =>
  tf.tidy(() => {
    const next = optimizer.update(gradients, run.state, run.parameters, {
      learningRate: tf.scalar(learningRate),
      step: tf.scalar(step),
      decay: run.parameters.map(() => true),
    });
    // A tidy keeps what it returns: plain records and arrays of tensors.
    return { parameters: next.parameters, state: { ...next.state } } as unknown as tf.TensorContainer;
  }) as unknown as Run;

const values = (tensor: Tensor): number[] => Array.from(tensor.dataSync());
const allValues = (tensors: readonly Tensor[]): number[][] => tensors.map(values);
const stateValues = (state: OptimizerState): Record<string, number[][]> =>
  Object.fromEntries(Object.entries(state).map(([slot, tensors]) => [slot, allValues(tensors)]));

/** Numbers in (-1, 1) that look random and are the same everywhere. */
const wave = (count: number, phase: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * phase));

/** Runs a body and frees every tensor it made. */
const scoped = (body: () => void): void => {
  tf.engine().startScope();
  try {
    body();
  } finally {
    tf.engine().endScope();
  }
};

function repeatReference(optimizer: Optimizer, reference: ReferenceSteps, tolerance: number): void {
  scoped(() => {
    const parameters = reference.initial.map((data, i) => tf.tensor([...data], [...reference.shapes[i]]));
    let run: Run = { parameters, state: optimizer.init(parameters) };
    reference.gradients.forEach((gradients, step) => {
      const tensors = gradients.map((data, i) => tf.tensor([...data], [...reference.shapes[i]]));
      run = advance(optimizer, run, tensors, reference.learningRate, step + 1);
      allValues(run.parameters).forEach((found, i) =>
        found.forEach((value, j) => {
          const expected = reference.expected[step][i][j];
          assert.ok(
            Math.abs(value - expected) <= tolerance,
            `step ${step + 1}, parameter ${i}[${j}]: expected ${expected}, found ${value}`,
          );
        }),
      );
    });
  });
}

/** f(x) = ½ xᵀ·A·x, with axes of curvature 0.2 and 2 that stand at 30° to the coordinates. */
function descendBowl({ create, learningRate }: OptimizerContract): void {
  scoped(() => {
    const [c, s] = [Math.cos(Math.PI / 6), Math.sin(Math.PI / 6)];
    const curvature = tf.tensor2d([
      [0.2 * c * c + 2 * s * s, (0.2 - 2) * c * s],
      [(0.2 - 2) * c * s, 0.2 * s * s + 2 * c * c],
    ]); // [2,2]
    const height = (x: Tensor): number => values(tf.sum(tf.mul(x, tf.matMul(x as tf.Tensor2D, curvature))))[0] / 2;
    const optimizer = create();
    const start = tf.tensor2d([[1, 1]]); // [1,2]
    let run: Run = { parameters: [start], state: optimizer.init([start]) };
    for (let step = 1; step <= 300; step++) {
      const gradient = tf.matMul(run.parameters[0] as tf.Tensor2D, curvature); // [1,2]
      run = advance(optimizer, run, [gradient], learningRate, step);
    }
    const [before, after] = [height(start), height(run.parameters[0])];
    assert.ok(after < before / 100, `300 steps took the height from ${before} only to ${after}`);
  });
}

/** f(x, y) = (1 - x)² + 100·(y - x²)²: a flat, curved valley; the rate falls along a cosine, and the best place counts. */
function followValley({ create, learningRate }: OptimizerContract): void {
  scoped(() => {
    const height = (x: number, y: number): number => (1 - x) ** 2 + 100 * (y - x * x) ** 2;
    const optimizer = create();
    const start = tf.tensor2d([[-1, 1.5]]); // [1,2], steep: height 29
    let run: Run = { parameters: [start], state: optimizer.init([start]) };
    let best = Infinity;
    const steps = 600;
    for (let step = 1; step <= steps; step++) {
      const [x, y] = values(run.parameters[0]);
      best = Math.min(best, height(x, y));
      const slope = [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)];
      const norm = Math.hypot(...slope);
      const gradient = tf.tensor2d([slope.map((s) => s / Math.max(1, norm))]); // [1,2] clipped, as a training loop does
      const rate = learningRate * 0.5 * (1 + Math.cos((Math.PI * step) / steps));
      run = advance(optimizer, run, [gradient], rate, step);
    }
    assert.ok(best < 0.8, `600 steps through the valley reached a height of ${best}, wanted below 0.8`);
  });
}

const twoParameters = (): Tensor[] => [tf.tensor(wave(6, 1), [2, 3]), tf.tensor(wave(4, 2), [4])];
const twoGradients = (step: number): Tensor[] => [
  tf.tensor(wave(6, 10 + step), [2, 3]),
  tf.tensor(wave(4, 20 + step), [4]),
];

function checkPurity({ create, learningRate }: OptimizerContract): void {
  scoped(() => {
    const optimizer = create();
    const parameters = twoParameters();
    const first: Run = { parameters, state: optimizer.init(parameters) };
    const run = advance(optimizer, first, twoGradients(0), learningRate, 1);
    const before = { parameters: allValues(run.parameters), state: stateValues(run.state) };
    const gradients = twoGradients(1);
    const next = advance(optimizer, run, gradients, learningRate, 2);
    assert.deepEqual({ parameters: allValues(run.parameters), state: stateValues(run.state) }, before);
    assert.deepEqual(allValues(gradients), allValues(twoGradients(1)));
    const form = (state: OptimizerState): unknown =>
      Object.keys(state).map((slot) => [slot, state[slot].map((t) => [t.shape, t.dtype])]);
    assert.deepEqual(form(next.state), form(first.state), 'the state must keep its slots, shapes and dtypes');
    assert.deepEqual(
      next.parameters.map((t) => t.shape),
      parameters.map((t) => t.shape),
    );
    assert.notDeepEqual(allValues(next.parameters), before.parameters, 'a step must move the parameters');
  });
}

function checkContinuation({ create, learningRate }: OptimizerContract): void {
  scoped(() => {
    const runFor = (optimizer: Optimizer, start: Run, from: number, to: number): Run => {
      let run = start;
      for (let step = from; step <= to; step++) {
        run = advance(optimizer, run, twoGradients(step), learningRate, step);
      }
      return run;
    };
    const optimizer = create();
    const parameters = twoParameters();
    const half = runFor(optimizer, { parameters, state: optimizer.init(parameters) }, 1, 5);
    const copy = (tensor: Tensor): Tensor => tf.tensor(tensor.dataSync().slice(), tensor.shape, tensor.dtype);
    const restored: Run = {
      parameters: half.parameters.map(copy),
      state: Object.fromEntries(Object.entries(half.state).map(([slot, tensors]) => [slot, tensors.map(copy)])),
    };
    const straight = runFor(optimizer, half, 6, 10);
    const resumed = runFor(create(), restored, 6, 10); // another instance: memory lives in the state alone
    assert.deepEqual(allValues(resumed.parameters), allValues(straight.parameters));
    assert.deepEqual(stateValues(resumed.state), stateValues(straight.state));
  });
}

function checkStillness({ create, learningRate }: OptimizerContract): void {
  scoped(() => {
    const optimizer = create();
    const parameters = twoParameters();
    const next = optimizer.update(
      parameters.map((p) => tf.zerosLike(p)),
      optimizer.init(parameters),
      parameters,
      { learningRate: tf.scalar(learningRate), step: tf.scalar(1), decay: [false, false] },
    );
    assert.deepEqual(allValues(next.parameters), allValues(parameters));
  });
}

function checkScale({ create, learningRate }: OptimizerContract): void {
  const optimizer = create();
  if (optimizer.scalesGradients !== true) return; // then the loop scales them before
  scoped(() => {
    const parameters = twoParameters();
    const state = optimizer.init(parameters);
    const context = { learningRate: tf.scalar(learningRate), step: tf.scalar(1), decay: [true, false] };
    const quarter = twoGradients(1).map((gradient) => tf.mul(gradient, 0.25)); // exact in binary
    const inside = optimizer.update(twoGradients(1), state, parameters, { ...context, gradientScale: tf.scalar(0.25) });
    const before = optimizer.update(quarter, state, parameters, context);
    allValues(inside.parameters)
      .flat()
      .forEach((value, i) => {
        const expected = allValues(before.parameters).flat()[i];
        assert.ok(Math.abs(value - expected) <= 1e-6, `expected ${expected}, found ${value}`);
      });
  });
}

function checkLeaks({ create, learningRate }: OptimizerContract): void {
  scoped(() => {
    const optimizer = create();
    const parameters = twoParameters();
    let run: Run = { parameters, state: optimizer.init(parameters) };
    const count = (): number => tf.memory().numTensors;
    const free = (old: Run): void => {
      tf.dispose(old.parameters);
      for (const tensors of Object.values(old.state)) tf.dispose([...tensors]);
    };
    const before = count();
    for (let step = 1; step <= 20; step++) {
      const gradients = twoGradients(step);
      const next = advance(optimizer, run, gradients, learningRate, step);
      tf.dispose(gradients);
      free(run);
      run = next;
    }
    assert.equal(count(), before, 'tensors after twenty steps');
  });
}

/** A small network for noisy classes: 16 numbers, 48 hidden ones, 6 classes. */
const network = { inputs: 16, hidden: 48, classes: 6, rows: 256, steps: 100, batch: 64 } as const;

/** Points of six classes that overlap: what is learned of them stays well above nothing. */
function noisyClasses(): { points: tf.Tensor2D; labels: tf.Tensor2D } {
  const { inputs, classes, rows } = network;
  const points = tf.tensor2d(wave(rows * inputs, 3), [rows, inputs]);
  const scores = tf.matMul(points, tf.tensor2d(wave(inputs * classes, 4), [inputs, classes])); // [N, C]
  const noisy = tf.add(scores, tf.tensor2d(wave(rows * classes, 5), [rows, classes]));
  return { points, labels: tf.oneHot(tf.argMax(noisy, 1), classes) as tf.Tensor2D };
}

const classify = (points: tf.Tensor2D, [first, bias, second]: readonly Tensor[]): tf.Tensor2D =>
  tf.matMul(tf.tanh(tf.add(tf.matMul(points, first as tf.Tensor2D), bias)), second as tf.Tensor2D); // [N, C]

const crossEntropy = (points: tf.Tensor2D, labels: tf.Tensor2D, parameters: readonly Tensor[]): tf.Scalar =>
  tf.neg(tf.mean<tf.Scalar>(tf.sum(tf.mul(labels, tf.logSoftmax(classify(points, parameters))), 1)));

/** The loss over all points before and after a training whose rate falls along a cosine. */
function trainNetwork(optimizer: Optimizer, learningRate: number): { before: number; after: number } {
  const { inputs, hidden, classes, rows, steps, batch } = network;
  const { points, labels } = noisyClasses();
  const parameters = [
    tf.mul(tf.tensor2d(wave(inputs * hidden, 6), [inputs, hidden]), 0.4),
    tf.zeros([hidden]),
    tf.mul(tf.tensor2d(wave(hidden * classes, 7), [hidden, classes]), 0.2),
  ];
  const whole = (learned: readonly Tensor[]): number => values(tf.tidy(() => crossEntropy(points, labels, learned)))[0];
  let run: Run = { parameters, state: optimizer.init(parameters) };
  for (let step = 1; step <= steps; step++) {
    const from = (step * batch) % rows;
    const [x, y] = [points, labels].map((all) => tf.slice(all, from, batch));
    const loss = (...learned: Tensor[]): tf.Scalar => crossEntropy(x, y, learned);
    const gradients = tf.tidy(() => tf.grads(loss)([...run.parameters]));
    run = advance(optimizer, run, gradients, learningRate * 0.5 * (1 + Math.cos((Math.PI * step) / steps)), step);
  }
  return { before: whole(parameters), after: whole(run.parameters) };
}

function checkEightBits({ create, learningRate }: OptimizerContract): void {
  registerGradients();
  scoped(() => {
    const optimizer = create();
    const slots = Object.keys(optimizer.init(twoParameters()));
    if (slots.some((slot) => slot.endsWith(':codes'))) return; // its state is in 8 bits already
    const wide = trainNetwork(optimizer, learningRate);
    const narrow = trainNetwork(eightBit(create(), { minimumSize: 0 }), learningRate);
    assert.ok(wide.after < 0.9 * wide.before, `the loss fell from ${wide.before} only to ${wide.after}`);
    const difference = Math.abs(narrow.after / wide.after - 1);
    assert.ok(difference <= 0.01, `a loss of ${narrow.after} with state in 8 bits, ${wide.after} in float32`);
  });
}

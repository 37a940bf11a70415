import * as tf from '@tensorflow/tfjs-core';
import { selectBackend } from '@tesserae/core';
import { adafactor, adam, adamw, averaged, eightBit, lion, muon, parameterGroups, sgd } from '@tesserae/trainer';
import type { Optimizer } from '@tesserae/trainer';
import { describeOptimizerContract } from '@tesserae/trainer/testing';
import type { OptimizerContract, ReferenceSteps } from '@tesserae/trainer/testing';
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
  {
    name: 'adafactor_transformers_fixed_lr',
    create: () => adafactor({ stepSize: 'fixed', scaleByParameter: false }),
    learningRate: 0.02,
  },
  { name: 'adafactor_torch', create: () => adafactor({ stepSize: 'bounded' }), learningRate: 0.3 },
];

/** `torch.optim.Muon(lr=0.05, weight_decay=0.1)` with its iterations in float32, on the golden matrix and gradients. */
const muonSteps: number[][] = [
  [
    -0.8552051, -0.2484795, 0.30854, -1.2409682, 0.6253646, 1.238054, -0.4768108, 1.0923786, 0.5129667, 0.1997795,
    0.4913403, -0.2428931,
  ],
  [
    -0.8912405, -0.2223196, 0.2982894, -1.2518789, 0.6244484, 1.1955111, -0.4949417, 1.0796908, 0.4807544, 0.1717019,
    0.5131966, -0.2328458,
  ],
  [
    -0.9192424, -0.2359784, 0.2946393, -1.2638781, 0.6321427, 1.155934, -0.5016782, 1.1136435, 0.462111, 0.1975843,
    0.4680363, -0.2152576,
  ],
  [
    -0.9605762, -0.2591132, 0.2816665, -1.2478018, 0.6104454, 1.1616498, -0.4777617, 1.1278224, 0.4470259, 0.2206283,
    0.4433, -0.2119802,
  ],
  [
    -0.9856172, -0.2851353, 0.2730304, -1.246711, 0.5959787, 1.1941987, -0.4937555, 1.1058445, 0.4561962, 0.2220272,
    0.4081666, -0.197748,
  ],
  [
    -1.0224206, -0.2982795, 0.2599098, -1.217378, 0.5770078, 1.2284158, -0.4892644, 1.0843749, 0.4543629, 0.2548843,
    0.3996747, -0.166013,
  ],
  [
    -1.0619961, -0.3119425, 0.2712018, -1.2189879, 0.5728855, 1.1822197, -0.4744264, 1.0739672, 0.4440123, 0.2419748,
    0.3747223, -0.1437717,
  ],
  [
    -1.0702056, -0.3307457, 0.2573825, -1.2402396, 0.5625237, 1.1486808, -0.4750225, 1.097963, 0.4478142, 0.253627,
    0.3277095, -0.1186447,
  ],
  [
    -1.1039442, -0.3358801, 0.2720781, -1.2315071, 0.5511087, 1.1573337, -0.4589522, 1.1261536, 0.449267, 0.2434772,
    0.2817446, -0.1140502,
  ],
  [
    -1.1463673, -0.3485345, 0.2725286, -1.2256799, 0.5342847, 1.1720889, -0.4306736, 1.1231072, 0.4244401, 0.2662232,
    0.2582666, -0.1143428,
  ],
];

const others: OptimizerContract[] = [
  { name: 'lion', create: () => lion(), learningRate: 0.02 },
  {
    name: 'muon',
    create: () => muon({ learningRate: 0.05, match: (_, shape) => shape.length === 2 }),
    learningRate: 0.05,
    reference: {
      learningRate: 0.05,
      shapes: [[3, 4]],
      initial: [golden.init.w.flat()],
      gradients: golden.grads.map(({ w }) => [w.flat()]),
      expected: muonSteps.map((step) => [step]),
    },
  },
  { name: 'averaged adamw', create: () => averaged(adamw()), learningRate: 0.05 },
  { name: '8-bit adamw', create: () => eightBit(adamw(), { minimumSize: 0 }), learningRate: 0.05 },
  { name: '8-bit lion', create: () => eightBit(lion(), { minimumSize: 0, blockSize: 3 }), learningRate: 0.02 },
  {
    name: 'groups of adamw and sgd',
    create: () =>
      parameterGroups(adamw(), [{ match: /^1$/, optimizer: sgd({ momentum: 0.9 }), learningRateScale: 0.5 }]),
    learningRate: 0.05,
  },
];

describe.each(['onnx', 'cpu'] as const)('on %s', (backend) => {
  beforeAll(async () => {
    await selectBackend({ prefer: backend, fallback: false, log: false });
  });
  for (const row of table) describeOptimizerContract({ ...row, reference: reference(row.name) }, { describe, it });
  for (const row of others) describeOptimizerContract(row, { describe, it });
  it('adafactor takes the relative steps of the reference', () => {
    const { shapes, initial, gradients, expected } = reference('adafactor_transformers_relative');
    const optimizer = adafactor({ warmup: true });
    tf.tidy(() => {
      let parameters = initial.map((data, i) => tf.tensor([...data], [...shapes[i]]));
      let state = optimizer.init(parameters);
      gradients.forEach((step, at) => {
        const tensors = step.map((data, i) => tf.tensor([...data], [...shapes[i]]));
        const context = { learningRate: tf.scalar(NaN), step: tf.scalar(at + 1), decay: [true, true] }; // not looked at
        ({ parameters, state } = optimizer.update(tensors, state, parameters, context));
        parameters.forEach((found, i) => {
          found.dataSync().forEach((value, j) => expect(Math.abs(value - expected[at][i][j])).toBeLessThan(1e-5));
        });
      });
    });
  });
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

describe('groups', () => {
  const context = () => ({ learningRate: tf.scalar(1), step: tf.scalar(1), decay: [true, true, true] });
  const names = ['tokenEmbedding.weight', 'layers.0.query.weight', 'head.weight'];
  it('freezes, scales and changes optimizers by the path', () => {
    const optimizer = parameterGroups(sgd(), [
      { match: /^tokenEmbedding/, frozen: true },
      { match: /^head/, learningRateScale: (name) => name.length },
    ]);
    tf.tidy(() => {
      const parameters = [0, 0, 0].map((value) => tf.tensor1d([value]));
      const gradients = [1, 1, 1].map((value) => tf.tensor1d([value]));
      const state = optimizer.init(parameters, names);
      const next = optimizer.update(gradients, state, parameters, { ...context(), names });
      expect(next.parameters.map((p) => p.dataSync()[0])).toEqual([0, -1, -11]);
    });
  });
  it('refuses groups that cannot be', () => {
    expect(() => parameterGroups(sgd(), [{ match: 'head' as never }])).toThrow('E_OPTION');
    expect(() => parameterGroups(sgd(), [{ match: /x/, lr: 1 } as never])).toThrow('E_UNKNOWN_OPTION');
    const optimizer = parameterGroups(sgd(), [{ match: /./, learningRateScale: () => NaN }]);
    expect(() => tf.tidy(() => void optimizer.init([tf.zeros([1])], ['head']))).toThrow('the scale of head is NaN');
  });
});

describe('8 bits', () => {
  it('keeps numbers within the step of a fourth root, and never makes zero of what is not', () => {
    const wave = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i) * 10 ** -(i % 8)); // 1 … 1e-7 of the largest
    const store: Optimizer = {
      name: 'store',
      hyperparameters: {},
      positiveSlots: ['squares'],
      init: () => ({ memory: [tf.zeros([10, 100])], squares: [tf.zeros([10, 100])] }),
      update: (gradients, state) => ({
        parameters: [state.memory[0], state.squares[0]],
        state: { memory: [gradients[0]], squares: [tf.square(gradients[0])] },
      }),
    };
    const narrow = eightBit(store, { minimumSize: 0 });
    tf.tidy(() => {
      const x = tf.tensor(wave, [10, 100]);
      const context = { learningRate: tf.scalar(0), step: tf.scalar(1), decay: [false] };
      const first = narrow.update([x], narrow.init([x]), [x], context);
      const [memory, squares] = narrow.update([x], first.state, [x], context).parameters.map((t) => t.dataSync());
      wave.forEach((value, i) => {
        if (value === 0) return expect(memory[i]).toBe(0);
        const block = wave.subarray(256 * Math.floor(i / 256), 256 * Math.floor(i / 256) + 256);
        const largest = Math.max(...block.map(Math.abs));
        const code = 127 * (Math.abs(value) / largest) ** 0.25; // rounded to the next whole number, at least 1
        const at = (c: number): number => largest * (Math.max(1, c) / 127) ** 4;
        expect(Math.abs(memory[i])).toBeLessThanOrEqual(at(code + 0.5) * 1.0001);
        expect(Math.abs(memory[i])).toBeGreaterThanOrEqual(at(code - 0.5) * 0.9999);
        expect(Math.sign(memory[i])).toBe(Math.sign(value));
        if (value * value > 1e-30) expect(squares[i]).toBeGreaterThan(0);
      });
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
      '[trainer/adamw] E_UNKNOWN_OPTION: adamw has no option "weightdecay"; did you mean \'weightDecay\'? the options are learningRate, beta1, beta2, eps, weightDecay',
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
    expect(() => adamw(3 as never)).toThrow('adamw takes an object of options, found 3');
  });
});

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { registerGradients } from '@tesserae/core';
import { beforeAll, describe, expect, it } from 'vitest';

/** A function of tensors, the points at which its gradient is checked, and which inputs are integers. */
interface Case {
  f: (...inputs: tf.Tensor[]) => tf.Tensor;
  at: tf.TensorLike[];
  /** Inputs whose gradient is not asked for. */
  fixed?: { values: tf.TensorLike; dtype: tf.DataType }[];
}

const smooth = [
  [0.3, -0.7, 1.2],
  [-1.9, 0.45, 2.2],
];
const positive = [
  [0.3, 0.7, 1.2],
  [1.9, 0.45, 2.2],
];
const fraction = [
  [0.3, -0.7, 0.2],
  [-0.9, 0.45, 0.1],
];
const above = [
  [1.3, 1.7, 1.2],
  [2.9, 1.45, 2.2],
];
const other = [
  [0.9, -0.2, 1.7],
  [1.3, 0.6, -2.4],
]; // nowhere within a step of `smooth`
const row = [0.5, -1.5, 0.8];
const cube = [
  [
    [0.1, 0.2, -0.3],
    [0.4, -0.5, 0.6],
  ],
  [
    [-0.7, 0.8, 0.9],
    [1.1, -1.2, 1.3],
  ],
];
const unary = (f: (x: tf.Tensor) => tf.Tensor, ...points: tf.TensorLike[]): Case[] =>
  points.map((x) => ({ f, at: [x] }));
const both = (
  f: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
  b: tf.TensorLike = positive,
  a: tf.TensorLike = smooth,
): Case[] => [
  { f, at: [a, b] },
  { f: (x, y) => f(x, y), at: [[[0.4], [-0.6]], row.map(Math.abs)] }, // both broadcast
];
const indices = (values: tf.TensorLike): { values: tf.TensorLike; dtype: tf.DataType } => ({ values, dtype: 'int32' });
const products = [false, true].flatMap((ta) =>
  [false, true].map((tb): Case => {
    const a = ta
      ? [
          [1, 2],
          [3, -1],
          [0.5, 2],
        ]
      : [
          [1, 3, 0.5],
          [2, -1, 2],
        ];
    const b = tb
      ? [
          [0.2, 0.4, -1],
          [1, 2, 3],
        ]
      : [
          [0.2, 1],
          [0.4, 2],
          [-1, 3],
        ];
    return { f: (x, y) => tf.matMul(x, y, ta, tb), at: [a, b] };
  }),
);

const cases: Record<string, Case[]> = {
  Abs: unary(tf.abs, smooth),
  Acos: unary(tf.acos, fraction),
  Acosh: unary(tf.acosh, above),
  Add: both(tf.add),
  AddN: [{ f: (a, b, c) => tf.addN([a, b, c]), at: [smooth, positive, above] }],
  ArgMax: unary((x) => tf.mul(tf.cast(tf.argMax(x, 1), 'float32'), tf.sum(x, 1)), smooth),
  ArgMin: unary((x) => tf.mul(tf.cast(tf.argMin(x, 1), 'float32'), tf.sum(x, 1)), smooth),
  Asin: unary(tf.asin, fraction),
  Asinh: unary(tf.asinh, smooth),
  Atan: unary(tf.atan, smooth),
  Atan2: both(tf.atan2),
  Atanh: unary(tf.atanh, fraction),
  BatchMatMul: [
    ...products,
    { f: (a, b) => tf.matMul(a, b, false, true), at: [cube, cube] },
    {
      f: (a, b) => tf.matMul(a, b),
      at: [
        cube,
        [
          [
            [1, 2],
            [3, 4],
            [5, 6],
          ],
        ],
      ],
    }, // one matrix for the whole batch
  ],
  BroadcastTo: unary((x) => tf.engine().runKernel('BroadcastTo', { x }, { shape: [2, 2, 3] }), smooth, row),
  Cast: unary((x) => tf.mul(tf.cast(x, 'float32'), 2), smooth),
  Ceil: unary(tf.ceil, smooth),
  ClipByValue: unary((x) => tf.clipByValue(x, -1, 1), smooth),
  Concat: [
    { f: (a, b) => tf.concat([a, b, a], 1), at: [smooth, [[5], [6]]] },
    { f: (a, b) => tf.concat([a, b], 0), at: [smooth, positive] },
  ],
  Cos: unary(tf.cos, smooth),
  Cosh: unary(tf.cosh, smooth),
  Cumsum: [true, false].flatMap((exclusive) =>
    [true, false].flatMap((reverse) => unary((x) => tf.cumsum(x, 1, exclusive, reverse), smooth)),
  ),
  Elu: unary(tf.elu, smooth),
  Erf: unary(tf.erf, smooth),
  Exp: unary(tf.exp, smooth),
  ExpandDims: unary((x) => tf.expandDims(x, 1), smooth),
  Expm1: unary(tf.expm1, smooth),
  Floor: unary(tf.floor, smooth),
  FloorDiv: [],
  GatherV2: [
    { f: (x, ids) => tf.gather(x, tf.cast(ids as tf.Tensor, 'int32')), at: [smooth], fixed: [indices([1, 0, 1, 1])] },
    {
      f: (x, ids) => tf.gather(x, ids as tf.Tensor2D, 1),
      at: [smooth],
      fixed: [
        indices([
          [2, 0],
          [2, 2],
        ]),
      ],
    },
    {
      f: (x, ids) => tf.gather(x, ids as tf.Tensor2D, 1, 1),
      at: [smooth],
      fixed: [
        indices([
          [2, 0],
          [1, 1],
        ]),
      ],
    },
    {
      f: (x, ids) => tf.gather(x, ids as tf.Tensor2D, 2),
      at: [cube],
      fixed: [
        indices([
          [2, 0],
          [2, 1],
        ]),
      ],
    },
  ],
  GreaterEqual: [{ f: (a, b) => tf.mul(tf.cast(tf.greaterEqual(a, b), 'float32'), a), at: [smooth, other] }],
  Identity: unary(tf.clone, smooth),
  IsFinite: unary((x) => tf.mul(tf.cast(tf.isFinite(x), 'float32'), x), smooth),
  IsInf: unary((x) => tf.mul(tf.cast(tf.isInf(x), 'float32'), x), smooth),
  IsNan: unary((x) => tf.mul(tf.cast(tf.isNaN(x), 'float32'), x), smooth),
  LeakyRelu: unary((x) => tf.leakyRelu(x, 0.3), smooth),
  Log: unary(tf.log, positive),
  Log1p: unary(tf.log1p, positive),
  LogSoftmax: unary((x) => tf.logSoftmax(x), smooth, cube),
  Max: unary((x) => tf.max(x, 1), smooth, cube).concat(
    unary((x) => tf.max(x), smooth),
    unary((x) => tf.max(x, [0, 2], true), cube),
  ),
  Maximum: both(tf.maximum, other),
  Mean: unary((x) => tf.mean(x, 1), smooth).concat(
    unary((x) => tf.mean(x), smooth),
    unary((x) => tf.mean(x, [-1, 0], true), cube),
  ),
  Min: unary((x) => tf.min(x, 1), smooth, cube).concat(
    unary((x) => tf.min(x), smooth),
    unary((x) => tf.min(x, [0, 2], true), cube),
  ),
  Minimum: both(tf.minimum, other),
  Mod: [
    {
      f: tf.mod,
      at: [
        [5.3, 7.1],
        [2, 3],
      ],
    },
  ],
  Multiply: both(tf.mul),
  Neg: unary(tf.neg, smooth),
  OneHot: [{ f: (x, ids) => tf.mul(tf.oneHot(ids as tf.Tensor, 3), x), at: [smooth], fixed: [indices([2, 0])] }],
  OnesLike: unary((x) => tf.mul(tf.onesLike(x), x), smooth),
  Pack: [{ f: (a, b) => tf.stack([a, b, a], 1), at: [smooth, positive] }],
  PadV2: unary(
    (x) =>
      tf.pad(
        x,
        [
          [1, 0],
          [2, 1],
        ],
        3,
      ),
    smooth,
  ),
  Pow: [...both(tf.pow, smooth, positive).slice(0, 1), { f: (x) => tf.pow(x, tf.scalar(3)), at: [smooth] }],
  Prelu: both(tf.prelu, fraction).slice(0, 1),
  Prod: unary((x) => tf.prod(x, 1), smooth, cube).concat(
    unary(
      (x) => tf.prod(x),
      [
        [0, 2],
        [3, 4],
      ],
    ),
    unary((x) => tf.prod(x, [0, 2], true), cube),
  ),
  RealDiv: both(tf.div),
  Reciprocal: unary(tf.reciprocal, smooth),
  Relu: unary(tf.relu, smooth),
  Relu6: unary(tf.relu6, [[0.3, -1, 6.5]]),
  Reshape: unary((x) => tf.reshape(x, [3, 2]), smooth),
  Reverse: unary((x) => tf.reverse(x, 1), smooth).concat(unary((x) => tf.reverse(x, [0, 2]), cube)),
  Round: unary(tf.round, smooth),
  Rsqrt: unary(tf.rsqrt, positive),
  Select: [
    {
      f: (t, e, c) => tf.where(tf.cast(c as tf.Tensor, 'bool'), t, e),
      at: [smooth, positive],
      fixed: [
        indices([
          [1, 0, 1],
          [0, 0, 1],
        ]),
      ],
    },
  ],
  Selu: unary(tf.selu, smooth),
  Sigmoid: unary(tf.sigmoid, smooth),
  Sign: unary(tf.sign, smooth),
  Sin: unary(tf.sin, smooth),
  Sinh: unary(tf.sinh, smooth),
  Slice: unary((x) => tf.slice(x, [0, 1], [2, 1]), smooth).concat(
    unary((x) => tf.slice(x, [0, 1], [-1, -1]), smooth),
    unary((x) => tf.slice(x, 1), smooth),
  ),
  Softmax: unary((x) => tf.softmax(x), smooth, cube),
  Softplus: unary(tf.softplus, smooth),
  SplitV: unary((x) => tf.mul(tf.split(x, [1, 2], 1)[1] as tf.Tensor, 2), smooth).concat(
    unary((x) => tf.add(...(tf.split(x, 2, 0) as [tf.Tensor, tf.Tensor])), smooth),
  ),
  Sqrt: unary(tf.sqrt, positive),
  Square: unary(tf.square, smooth),
  SquaredDifference: both(tf.squaredDifference),
  Step: unary((x) => tf.mul(tf.step(x, 0.1), x), smooth),
  Sub: both(tf.sub),
  Sum: unary((x) => tf.sum(x, 1), smooth).concat(
    unary((x) => tf.sum(x), smooth),
    unary((x) => tf.sum(x, [-1, 0], true), cube),
  ),
  Tan: unary(tf.tan, smooth),
  Tanh: unary(tf.tanh, smooth),
  Tile: unary((x) => tf.tile(x, [2, 3]), smooth).concat(
    unary((x) => tf.tile(x, [1, 2]), smooth),
    unary((x) => tf.tile(x, [1, 1]), smooth),
  ),
  Transpose: unary((x) => tf.transpose(x, [2, 0, 1]), cube),
  Unpack: unary((x) => tf.mul(tf.unstack(x, 1)[1] as tf.Tensor, 2), cube),
  UnsortedSegmentSum: [
    { f: (x, ids) => tf.unsortedSegmentSum(x, ids as tf.Tensor1D, 3), at: [smooth], fixed: [indices([2, 0])] },
  ],
  ZerosLike: unary((x) => tf.add(tf.zerosLike(x), x), smooth),
};

let registered: string[] = [];
beforeAll(async () => {
  await tf.setBackend('cpu');
  tf.registerKernel({
    kernelName: 'BroadcastTo', // which this backend lacks: TensorFlow.js broadcasts by tiling
    backendName: 'cpu',
    kernelFunc: ({ inputs, attrs }) => tf.broadcastTo(inputs['x'] as tf.Tensor, attrs?.['shape'] as number[]),
  });
  registered = registerGradients();
});

/** Central differences of ⟨w, f⟩ with a weight of its own for every element, so that no error can cancel another. */
function check({ f, at, fixed = [] }: Case): void {
  const constants = fixed.map(({ values, dtype }) => tf.tensor(values, undefined, dtype));
  const weighted = (...inputs: tf.Tensor[]): tf.Scalar =>
    tf.tidy(() => {
      const y = f(...inputs, ...constants);
      const weights = tf.tensor(
        Float32Array.from({ length: y.size }, (_, i) => Math.cos(1.7 * i) + 0.3),
        y.shape,
      );
      return tf.sum(tf.mul(tf.cast(y, 'float32'), weights)) as tf.Scalar;
    });
  const points = at.map((values) => tf.tensor(values, undefined, 'float32'));
  const before = tf.memory().numTensors;
  const gradients = tf.grads(weighted)(points);
  expect(tf.memory().numTensors - before).toBe(points.length);
  const step = 1e-2;
  points.forEach((point, which) => {
    const gradient = gradients[which] as tf.Tensor;
    expect(gradient.shape).toEqual(point.shape);
    const values = Float32Array.from(point.dataSync());
    const at2 = (index: number, by: number): number => {
      const moved = values.slice();
      moved[index] = (moved[index] as number) + by;
      return tf.tidy(
        () =>
          weighted(...points.map((p, i) => (i === which ? tf.tensor(moved, point.shape) : p))).dataSync()[0] as number,
      );
    };
    const expected = Array.from(
      values,
      (_, i) => (8 * (at2(i, step) - at2(i, -step)) - (at2(i, 2 * step) - at2(i, -2 * step))) / (12 * step),
    );
    const found = gradient.dataSync();
    expected.forEach((value, i) =>
      expect(Math.abs((found[i] as number) - value)).toBeLessThan(2e-3 * (1 + Math.abs(value))),
    );
  });
}

describe('gradients', () => {
  it('are registered once, for every kernel that has a case here', () => {
    expect([...registered].sort()).toEqual(Object.keys(cases).sort());
    expect(registerGradients()).toEqual([]);
  });

  it.each(Object.entries(cases).flatMap(([name, list]) => list.map((one, index) => [name, index, one] as const)))(
    '%s agrees with central differences (%i)',
    (_name, _index, one) => check(one),
  );

  it('FloorDiv has the slope of the quotient, as in TensorFlow', () => {
    const [da, db] = tf.grads((a, b) => tf.floorDiv(a, b))([tf.tensor1d([7, 9]), tf.tensor1d([2, 3])]);
    expect([...(da as tf.Tensor).dataSync()]).toEqual([0.5, expect.closeTo(1 / 3, 5)]);
    expect([...(db as tf.Tensor).dataSync()]).toEqual([-1.75, -1]);
  });

  it('dropped segments receive no gradient', () => {
    const ids = tf.tensor1d([1, -1, 0], 'int32');
    const gradient = tf.grad((x) => tf.sum(tf.mul(tf.unsortedSegmentSum(x, ids, 2), tf.tensor1d([5, 7]))))(
      tf.tensor1d([1, 2, 3]),
    );
    expect([...gradient.dataSync()]).toEqual([7, 0, 5]);
  });

  it('a power of a negative number has no logarithm, and the exponent no gradient', () => {
    const [, db] = tf.grads((a, b) => tf.pow(a, b))([tf.tensor1d([-2, 0]), tf.tensor1d([2, 2])]);
    expect([...(db as tf.Tensor).dataSync()]).toEqual([0, 0]);
  });

  it('leaves gradients that are registered alone', () => {
    const mine = { kernelName: 'Tanh', gradFunc: () => ({}) };
    const before = tf.getGradient('Tanh');
    tf.unregisterGradient('Tanh');
    tf.registerGradient(mine);
    expect(registerGradients()).toEqual([]);
    expect(tf.getGradient('Tanh')).toBe(mine);
    tf.unregisterGradient('Tanh');
    tf.registerGradient(before);
  });
});

import { exactly, random } from '../support/compareBackends';
import type { KernelCase, Plain } from '../support/compareBackends';

const special = exactly([
  NaN,
  Infinity,
  -Infinity,
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  2.5,
  -2.5,
  1e-7,
  -1e-7,
  3e38,
  1e-40,
  88,
  -88,
]);
const shapes: readonly (readonly [number[], number[]])[] = [
  [[], []],
  [[5], [5]],
  [[2, 3], [3]],
  [[3], [2, 3]],
  [
    [2, 1, 4],
    [3, 1],
  ],
  [[2, 3], []],
  [[1], [2, 2]],
  [
    [0, 3],
    [1, 3],
  ],
];

const binaryFloat = [
  'Add',
  'Sub',
  'Multiply',
  'RealDiv',
  'Maximum',
  'Minimum',
  'SquaredDifference',
  'FloorDiv',
  'Mod',
  'Atan2',
];
const binaryInt = [
  'Add',
  'Sub',
  'Multiply',
  'RealDiv',
  'Maximum',
  'Minimum',
  'SquaredDifference',
  'FloorDiv',
  'Mod',
  'BitwiseAnd',
];
const comparisons = ['Equal', 'NotEqual', 'Greater', 'GreaterEqual', 'Less', 'LessEqual'];
const logical = ['LogicalAnd', 'LogicalOr'];

/** Every special number against every other. */
const pairs = (values: readonly number[]): [number[], number[]] => [
  values.flatMap((a) => values.map(() => a)),
  values.flatMap(() => values),
];
const [left, right] = pairs([NaN, Infinity, -Infinity, 0, 1, -1, 2.5, -2.5, 7]);
/** JavaScript alone says that 1 to the power of NaN or infinity is NaN; TensorFlow and C say 1. */
const powerPairs = left.map((a, i) => [a, right[i]]).filter(([a, b]) => Math.abs(a) !== 1 || Number.isFinite(b));
const [leftInt, rightInt] = pairs([0, 1, -1, 2, -3, 7, -7, 2147483647, -2147483648]);
/** Products beyond 2^53 are rounded by JavaScript before they wrap around; here they wrap around exactly. */
const overflowing = new Set(['RealDiv', 'Multiply', 'SquaredDifference']);

const binaryCases: KernelCase[] = [
  ...binaryFloat.flatMap((kernel) => [
    ...shapes.map(([a, b]) => ({
      kernel,
      label: `[${a}] [${b}]`,
      inputs: { a: random(a), b: random(b, 'float32', 0.5, 3) },
    })),
    { kernel, label: 'special', inputs: { a: exactly(left), b: exactly(right) } },
  ]),
  ...shapes.map(([a, b]) => ({
    kernel: 'Pow',
    label: `[${a}] [${b}]`,
    inputs: { a: random(a, 'float32', 0, 3), b: random(b) },
  })),
  {
    kernel: 'Pow',
    label: 'special',
    inputs: { a: exactly(powerPairs.map(([a]) => a)), b: exactly(powerPairs.map(([, b]) => b)) },
  },
  ...[2, 1, 0.5, 3, 0, -1].map((power) => ({
    kernel: 'Pow',
    label: `to ${power}`,
    inputs: { a: random([4], 'float32', 0.1, 3), b: exactly([power], 'float32', []) },
  })),
  {
    kernel: 'Pow',
    label: 'int32',
    inputs: { a: exactly([2, -3, 5, 0, 7], 'int32'), b: exactly([10, 3, 0, 0, 2], 'int32') },
  },
  ...binaryInt.flatMap((kernel) => [
    ...shapes.map(([a, b]) => ({
      kernel,
      label: `int32 [${a}] [${b}]`,
      inputs: { a: random(a, 'int32', -20, 20), b: random(b, 'int32', 1, 9) },
    })),
    ...(overflowing.has(kernel)
      ? []
      : [{ kernel, label: 'int32 special', inputs: { a: exactly(leftInt, 'int32'), b: exactly(rightInt, 'int32') } }]),
  ]),
  ...comparisons.flatMap((kernel) => [
    ...shapes.map(([a, b]) => ({
      kernel,
      label: `[${a}] [${b}]`,
      inputs: { a: random(a, 'int32', -2, 2), b: random(b, 'int32', -2, 2) },
    })),
    { kernel, label: 'special', inputs: { a: exactly(left), b: exactly(right) } },
    { kernel, label: 'bool', inputs: { a: random([7], 'bool'), b: random([7], 'bool') } },
  ]),
  ...logical.flatMap((kernel) =>
    shapes.map(([a, b]) => ({
      kernel,
      label: `[${a}] [${b}]`,
      inputs: { a: random(a, 'bool'), b: random(b, 'bool') },
    })),
  ),
  { kernel: 'AddN', label: 'three', inputs: [random([2, 3]), random([2, 3]), random([2, 3])] },
  { kernel: 'AddN', label: 'one', inputs: [random([2, 3], 'int32')] },
];

const unaryEverywhere = [
  'Abs',
  'Atan',
  'Ceil',
  'Cos',
  'Cosh',
  'Elu',
  'Erf',
  'Exp',
  'Expm1',
  'Floor',
  'Neg',
  'Reciprocal',
  'Relu',
  'Relu6',
  'Round',
  'Selu',
  'Sigmoid',
  'Sign',
  'Sin',
  'Sinh',
  'Softplus',
  'Square',
  'Tan',
  'Tanh',
  'Asinh',
  'IsNan',
  'IsInf',
  'IsFinite',
];
const unaryPositive = ['Log', 'Log1p', 'Sqrt', 'Rsqrt'];
const unaryInt = [
  'Abs',
  'Ceil',
  'Floor',
  'Neg',
  'Relu',
  'Relu6',
  'Round',
  'Sign',
  'Square',
  'IsNan',
  'IsInf',
  'IsFinite',
  'ZerosLike',
  'OnesLike',
  'Identity',
];
const far = exactly([NaN, Infinity, -Infinity, 0, 1, -1, 0.5, -0.5, 1e-7, 1e-4, 80, -80]);
/** Trigonometry of infinities and huge numbers is left to the library. */
const tame = exactly([NaN, 0, 1, -1, 0.5, -0.5, 1e-7, 10, -10]);
const wild = new Set(['Cos', 'Sin', 'Tan', 'Cosh', 'Sinh', 'Asinh']);

const unaryCases: KernelCase[] = [
  ...unaryEverywhere.flatMap((kernel) => [
    ...[[], [7], [2, 3, 4], [0, 2]].map((shape) => ({
      kernel,
      label: `[${shape}]`,
      inputs: { x: random(shape, 'float32', -3, 3) },
      tolerance: 4e-6,
    })),
    { kernel, label: 'special', inputs: { x: wild.has(kernel) ? tame : far }, tolerance: 4e-6 },
  ]),
  ...unaryPositive.flatMap((kernel) => [
    ...[[], [7], [2, 3, 4], [0, 2]].map((shape) => ({
      kernel,
      label: `[${shape}]`,
      inputs: { x: random(shape, 'float32', 0.01, 5) },
      tolerance: 4e-6,
    })),
    { kernel, label: 'special', inputs: { x: far }, tolerance: 4e-6 },
  ]),
  ...['Round', 'Sign', 'Relu', 'Abs', 'Ceil', 'Floor', 'Step'].map((kernel) => ({
    kernel,
    label: 'edges',
    inputs: { x: special },
    attributes: { alpha: 0.25 },
  })),
  ...['Acos', 'Asin', 'Atanh'].map((kernel) => ({ kernel, inputs: { x: random([9], 'float32', -0.9, 0.9) } })),
  { kernel: 'Acosh', inputs: { x: random([9], 'float32', 1.1, 5) } },
  ...unaryInt.map((kernel) => ({ kernel, label: 'int32', inputs: { x: random([3, 4], 'int32', -9, 9) } })),
  { kernel: 'LogicalNot', inputs: { x: random([3, 4], 'bool') } },
  { kernel: 'Step', label: 'int32', inputs: { x: random([5], 'int32', -3, 3) }, attributes: { alpha: 0 } },
  { kernel: 'LeakyRelu', inputs: { x: far }, attributes: { alpha: 0.2 } },
  { kernel: 'LeakyRelu', label: 'steep', inputs: { x: random([6]) }, attributes: { alpha: 1 } },
  { kernel: 'Prelu', inputs: { x: random([2, 3]), alpha: random([3]) } },
  { kernel: 'EluGrad', inputs: { dy: random([2, 3]), y: random([2, 3]) } },
  ...[random([7]), far].map((x) => ({
    kernel: 'ClipByValue',
    inputs: { x },
    attributes: { clipValueMin: -0.5, clipValueMax: 1 },
  })),
  {
    kernel: 'ClipByValue',
    label: 'int32',
    inputs: { x: random([7], 'int32', -9, 9) },
    attributes: { clipValueMin: -3, clipValueMax: 4 },
  },
  ...(['float32', 'int32', 'bool'] as const).flatMap((from) =>
    (['float32', 'int32', 'bool'] as const).map((to) => ({
      kernel: 'Cast',
      label: `${from} to ${to}`,
      inputs: { x: random([2, 5], from, -5, 5) },
      attributes: { dtype: to },
    })),
  ),
  {
    kernel: 'Cast',
    label: 'fractions',
    inputs: { x: exactly([1.9, -1.9, 0.3, -0.3, 0, -0]) },
    attributes: { dtype: 'int32' },
  },
  {
    kernel: 'Cast',
    label: 'special to bool',
    inputs: { x: exactly([NaN, Infinity, 0, -0, 1e-40]) },
    attributes: { dtype: 'bool' },
  },
  {
    kernel: 'Cast',
    label: 'NaN to int32',
    inputs: { x: exactly([NaN, Infinity, -Infinity, 3]) },
    attributes: { dtype: 'int32' },
  },
];

const axesOf: readonly (readonly [number[], number[]])[] = [
  [[5], [0]],
  [[2, 3], [1]],
  [[2, 3], [0]],
  [
    [2, 3, 4],
    [0, 2],
  ],
  [[2, 3, 4], [-1]],
  [
    [2, 3, 4],
    [0, 1, 2],
  ],
  [[], []],
  [[0, 3], [0]],
  [[2, 0], [1]],
  [[2, 1, 3], [1]],
];
const axisName: Readonly<Record<string, string>> = { Max: 'reductionIndices' };
const reductionCases: KernelCase[] = [
  ...['Sum', 'Mean', 'Prod', 'Max', 'Min'].flatMap((kernel) =>
    (['float32', 'int32', 'bool'] as const).flatMap((dtype) =>
      axesOf.flatMap(([shape, axis]) =>
        [true, false].map((keepDims) => ({
          kernel,
          label: `${dtype} [${shape}] over ${axis}${keepDims ? ' kept' : ''}`,
          inputs: { x: random(shape, dtype, -3, 4) },
          attributes: { [axisName[kernel] ?? 'axis']: axis, axis, keepDims },
        })),
      ),
    ),
  ),
  ...['Sum', 'Mean', 'Prod', 'Max', 'Min'].map((kernel) => ({
    kernel,
    label: 'NaN',
    inputs: { x: exactly([1, NaN, 3, 4, 5, 6, NaN, 8, 2, 3, 4, 5, 1, 2, 3, 4, 5, NaN], 'float32', [2, 9]) },
    attributes: { axis: [1], reductionIndices: [1], keepDims: false },
  })),
  ...['All', 'Any'].flatMap((kernel) =>
    axesOf
      .filter(([shape]) => !shape.includes(0))
      .map(([shape, axis]) => ({
        kernel,
        label: `[${shape}] over ${axis}`,
        inputs: { x: random(shape, 'bool') },
        attributes: { axis, keepDims: false },
      })),
  ),
  ...['ArgMax', 'ArgMin'].flatMap((kernel) => [
    ...[0, 1, 2].map((axis) => ({
      kernel,
      label: `over ${axis}`,
      inputs: { x: random([3, 4, 5]) },
      attributes: { axis },
    })),
    { kernel, label: 'ties', inputs: { x: exactly([1, 3, 3, 0, 0, 2]) }, attributes: { axis: 0 } },
    { kernel, label: 'int32', inputs: { x: random([3, 4], 'int32', -5, 5) }, attributes: { axis: 1 } },
  ]),
  ...['Cumsum', 'Cumprod'].flatMap((kernel) =>
    [0, 1].flatMap((axis) =>
      [true, false].flatMap((exclusive) =>
        [true, false].flatMap((reverse) =>
          (['float32', 'int32'] as const).map((dtype) => ({
            kernel,
            label: `${dtype} axis ${axis}${exclusive ? ' exclusive' : ''}${reverse ? ' reverse' : ''}`,
            inputs: { x: random([3, 5], dtype, -3, 4) },
            attributes: { axis, exclusive, reverse },
          })),
        ),
      ),
    ),
  ),
];
/** TensorFlow.js's cpu kernel scans only the innermost axis; the op transposes for the others. */
const scansOnCpu = (test: KernelCase): boolean => !test.kernel.startsWith('Cum') || test.attributes!.axis === 1;

const matmulShapes: readonly (readonly [number[], number[]])[] = [
  [
    [1, 2, 3],
    [1, 3, 4],
  ],
  [
    [5, 2, 3],
    [5, 3, 4],
  ],
  [
    [1, 2, 3],
    [5, 3, 4],
  ],
  [
    [5, 2, 3],
    [1, 3, 4],
  ],
  [
    [1, 1, 1],
    [1, 1, 1],
  ],
  [
    [2, 2, 0],
    [2, 0, 3],
  ],
  [
    [2, 0, 2],
    [2, 2, 3],
  ],
];
const swap = (shape: number[], yes: boolean): number[] =>
  yes ? [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!] : shape;
const matmulCases: KernelCase[] = matmulShapes.flatMap(([a, b]) =>
  [true, false].flatMap((transposeA) =>
    [true, false].flatMap((transposeB) => [
      {
        kernel: 'BatchMatMul',
        label: `[${a}] [${b}] ${transposeA} ${transposeB}`,
        inputs: { a: random(swap(a, transposeA)), b: random(swap(b, transposeB)) },
        attributes: { transposeA, transposeB },
      },
    ]),
  ),
);
const fusedCases: KernelCase[] = [undefined, 'linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu'].map(
  (activation) => ({
    kernel: '_FusedMatMul',
    label: String(activation),
    inputs: {
      a: random([1, 3, 4]),
      b: random([1, 4, 5]),
      bias: random([5]),
      ...(activation === 'prelu' ? { preluActivationWeights: random([1, 3, 5]) } : {}),
    },
    attributes: { transposeA: false, transposeB: false, activation, leakyreluAlpha: 0.3 },
  }),
);

const kinds = ['float32', 'int32', 'bool'] as const;
const shapingCases: KernelCase[] = kinds.flatMap((dtype) => {
  const of = (shape: number[]): Plain => random(shape, dtype, -9, 9);
  const cases: KernelCase[] = [
    { kernel: 'Reshape', inputs: { x: of([2, 6]) }, attributes: { shape: [3, -1] } },
    { kernel: 'ExpandDims', inputs: { input: of([2, 3]) }, attributes: { dim: 1 } },
    { kernel: 'Transpose', inputs: { x: of([2, 3, 4]) }, attributes: { perm: [2, 0, 1] } },
    { kernel: 'Transpose', label: 'trivial', inputs: { x: of([2, 1, 4]) }, attributes: { perm: [1, 0, 2] } },
    { kernel: 'Slice', inputs: { x: of([4, 5]) }, attributes: { begin: [1, 2], size: [2, -1] } },
    { kernel: 'Slice', label: 'nothing', inputs: { x: of([4, 5]) }, attributes: { begin: [1, 2], size: [2, 0] } },
    { kernel: 'Slice', label: 'all', inputs: { x: of([4, 5]) }, attributes: { begin: [0, 0], size: [4, 5] } },
    ...[
      { begin: [0, 1], end: [4, 5], strides: [2, 2] },
      { begin: [3, 4], end: [-5, -6], strides: [-1, -2] },
      { begin: [3, 4], end: [0, 0], strides: [-2, -1], endMask: 1 },
      { begin: [1, 0], end: [2, 5], strides: [1, 1], shrinkAxisMask: 1 },
      { begin: [1, 0, 1], end: [3, 0, 4], strides: [1, 1, 1], newAxisMask: 2 },
      { begin: [0, 1], end: [0, 3], strides: [1, 1], ellipsisMask: 1 },
    ].map((part, i) => ({
      kernel: 'StridedSlice',
      label: String(i),
      inputs: { x: of([4, 5]) },
      attributes: { beginMask: 0, endMask: 0, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0, ...part },
    })),
    { kernel: 'Reverse', inputs: { x: of([3, 4]) }, attributes: { dims: [1] } },
    { kernel: 'Reverse', label: 'both', inputs: { x: of([3, 4]) }, attributes: { dims: [0, -1] } },
    { kernel: 'Tile', inputs: { x: of([2, 3]) }, attributes: { reps: [2, 3] } },
    { kernel: 'Tile', label: 'of ones', inputs: { x: of([1, 3]) }, attributes: { reps: [4, 1] } },
    { kernel: 'Concat', inputs: [of([2, 3]), of([2, 1]), of([2, 0])], attributes: { axis: 1 } },
    { kernel: 'Pack', inputs: [of([2, 3]), of([2, 3])], attributes: { axis: 1 } },
    { kernel: 'Unpack', inputs: { value: of([2, 3]) }, attributes: { axis: 1 } },
    { kernel: 'Unpack', label: 'one', inputs: { value: of([1, 3]) }, attributes: { axis: 0 } },
    { kernel: 'SplitV', inputs: { x: of([2, 6]) }, attributes: { numOrSizeSplits: 3, axis: 1 } },
    {
      kernel: 'SplitV',
      label: 'uneven',
      inputs: { x: of([2, 6]) },
      attributes: { numOrSizeSplits: [1, 0, 5], axis: -1 },
    },
    {
      kernel: 'PadV2',
      inputs: { x: of([2, 3]) },
      attributes: {
        paddings: [
          [1, 0],
          [0, 2],
        ],
        constantValue: 1,
      },
    },
    {
      kernel: 'MirrorPad',
      label: 'reflect',
      inputs: { x: of([3, 4]) },
      attributes: {
        paddings: [
          [1, 2],
          [0, 3],
        ],
        mode: 'reflect',
      },
    },
    {
      kernel: 'MirrorPad',
      label: 'symmetric',
      inputs: { x: of([3, 4]) },
      attributes: {
        paddings: [
          [1, 2],
          [0, 3],
        ],
        mode: 'symmetric',
      },
    },
    { kernel: 'Select', inputs: { condition: random([2, 3], 'bool'), t: of([2, 3]), e: of([2, 3]) } },
    {
      kernel: 'GatherV2',
      inputs: { x: of([4, 3]), indices: exactly([3, 0, 0, 2], 'int32', [2, 2]) },
      attributes: { axis: 0, batchDims: 0 },
    },
    {
      kernel: 'GatherV2',
      label: 'axis 1',
      inputs: { x: of([2, 4, 3]), indices: exactly([3, 1], 'int32') },
      attributes: { axis: 1, batchDims: 0 },
    },
    {
      kernel: 'GatherV2',
      label: 'batched',
      inputs: { x: of([2, 4, 3]), indices: exactly([3, 1, 0, 2], 'int32', [2, 2]) },
      attributes: { axis: 1, batchDims: 1 },
    },
    {
      kernel: 'GatherV2',
      label: 'batched, axis 2',
      inputs: { x: of([2, 4, 3]), indices: exactly([2, 1, 0, 2], 'int32', [2, 2]) },
      attributes: { axis: 2, batchDims: 1 },
    },
    { kernel: 'GatherNd', inputs: { params: of([3, 4]), indices: exactly([0, 1, 2, 3], 'int32', [2, 2]) } },
    { kernel: 'GatherNd', label: 'rows', inputs: { params: of([3, 4]), indices: exactly([2, 0], 'int32', [2, 1]) } },
    { kernel: 'ZerosLike', inputs: { x: of([2, 40]) } },
    { kernel: 'OnesLike', inputs: { x: of([2, 40]) } },
  ];
  return cases.map((test) => ({ ...test, label: `${dtype} ${test.label ?? ''}` }));
});

const scatterCases: KernelCase[] = (['float32', 'int32'] as const).flatMap((dtype): KernelCase[] => [
  {
    kernel: 'ScatterNd',
    label: dtype,
    inputs: { indices: exactly([1, 3, 1], 'int32', [3, 1]), updates: random([3, 2], dtype, -9, 9) },
    attributes: { shape: [4, 2] },
  },
  {
    kernel: 'ScatterNd',
    label: `${dtype} flat`,
    inputs: { indices: exactly([1, 3], 'int32', [2, 1]), updates: random([2], dtype, -9, 9) },
    attributes: { shape: [5] },
  },
  {
    kernel: 'TensorScatterUpdate',
    label: dtype,
    inputs: {
      tensor: random([4, 2], dtype, -9, 9),
      indices: exactly([1, 3], 'int32', [2, 1]),
      updates: random([2, 2], dtype, -9, 9),
    },
  },
  {
    kernel: 'TensorScatterUpdate',
    label: `${dtype} elements`,
    inputs: {
      tensor: random([4, 2], dtype, -9, 9),
      indices: exactly([1, 1, 3, 0], 'int32', [2, 2]),
      updates: random([2], dtype, -9, 9),
    },
  },
  {
    kernel: 'SparseToDense',
    label: dtype,
    inputs: {
      sparseIndices: exactly([0, 3], 'int32', [2, 1]),
      sparseValues: random([2], dtype, -9, 9),
      defaultValue: exactly([5], dtype, []),
    },
    attributes: { outputShape: [6] },
  },
  { kernel: 'TopK', label: dtype, inputs: { x: random([3, 7], dtype, -9, 9) }, attributes: { k: 3, sorted: true } },
  {
    kernel: 'TopK',
    label: `${dtype} all`,
    inputs: { x: random([7], dtype, -9, 9) },
    attributes: { k: 7, sorted: true },
  },
]);

const otherCases: KernelCase[] = [
  {
    kernel: 'OneHot',
    label: 'scalar',
    inputs: { indices: exactly([2], 'int32', []) },
    attributes: { depth: 4, onValue: 1, offValue: 0, dtype: 'float32' },
  },
  ...['ArgMax', 'ArgMin'].map((kernel) => ({
    kernel,
    label: 'NaN',
    inputs: { x: exactly([0, NaN, 3, -1, NaN, 1], 'float32', [2, 3]) },
    attributes: { axis: 1 },
  })),
  ...['Exp', 'Expm1', 'Log1p', 'Softplus', 'Reciprocal'].map((kernel) => ({
    kernel,
    label: 'int32',
    inputs: { x: exactly([1, 2, 3, 5], 'int32') },
  })),
  {
    kernel: 'TopK',
    label: 'unsorted',
    inputs: { x: exactly(new Array<number>(40).fill(1)) },
    attributes: { k: 3, sorted: false },
  },
  { kernel: 'Einsum', label: 'outer', inputs: [random([3]), random([4])], attributes: { equation: 'i,j->ij' } },
  {
    kernel: 'UnsortedSegmentSum',
    inputs: { x: random([5, 2]), segmentIds: exactly([0, 2, 2, 0, 1], 'int32') },
    attributes: { numSegments: 4 },
  },
  {
    kernel: 'UnsortedSegmentSum',
    label: 'strangers',
    inputs: { x: random([5, 2]), segmentIds: exactly([0, -1, 2, 7, 4], 'int32') },
    attributes: { numSegments: 4 },
  },
  {
    kernel: 'UnsortedSegmentSum',
    label: 'rank 3',
    inputs: { x: random([3, 2, 2]), segmentIds: exactly([1, 1, 0], 'int32') },
    attributes: { numSegments: 2 },
  },
  {
    kernel: 'OneHot',
    inputs: { indices: exactly([0, 3, -1, 4, -100, 100], 'int32') },
    attributes: { depth: 4, onValue: 1, offValue: 0, dtype: 'float32' },
  },
  {
    kernel: 'OneHot',
    label: 'int32',
    inputs: { indices: exactly([0, 3, 1, 2], 'int32', [2, 2]) },
    attributes: { depth: 4, onValue: 5, offValue: -2, dtype: 'int32' },
  },
  {
    kernel: 'OneHot',
    label: 'bool',
    inputs: { indices: exactly([0, 1], 'int32') },
    attributes: { depth: 2, onValue: 1, offValue: 0, dtype: 'bool' },
  },
  ...[[4], [2, 3], [2, 3, 5]].flatMap((shape) => [
    {
      kernel: 'Softmax',
      label: `[${shape}]`,
      inputs: { logits: random(shape, 'float32', -20, 20) },
      attributes: { dim: shape.length - 1 },
    },
  ]),
  {
    kernel: 'Softmax',
    label: 'masked',
    inputs: { logits: exactly([1, -1e9, 2, -Infinity], 'float32', [1, 4]) },
    attributes: { dim: 1 },
  },
  { kernel: 'Fill', inputs: [], attributes: { shape: [2, 30], value: 1.5, dtype: 'float32' } },
  { kernel: 'Fill', label: 'int32', inputs: [], attributes: { shape: [], value: 7, dtype: 'int32' } },
  { kernel: 'Fill', label: 'guessed', inputs: [], attributes: { shape: [2], value: 7 } },
  { kernel: 'Range', inputs: [], attributes: { start: 0, stop: 5, step: 1, dtype: 'int32' } },
  { kernel: 'Range', label: 'down', inputs: [], attributes: { start: 5, stop: 0, step: -2, dtype: 'float32' } },
  { kernel: 'Range', label: 'fractions', inputs: [], attributes: { start: 0, stop: 1, step: 0.1, dtype: 'float32' } },
  { kernel: 'Range', label: 'empty', inputs: [], attributes: { start: 3, stop: 3, step: 1, dtype: 'float32' } },
  { kernel: 'LinSpace', inputs: [], attributes: { start: 0, stop: 1, num: 7 } },
  ...['ij,jk->ik', 'ij,kj->ik', 'ij,ij->', 'ij->ji'].map((equation) => ({
    kernel: 'Einsum',
    label: equation,
    inputs: equation.includes(',') ? [random([3, 3]), random([3, 3])] : [random([2, 3])],
    attributes: { equation },
  })),
];

/** Every kernel of the table, over shapes, types, broadcasting and the numbers that go wrong. */
export const kernelCases: readonly KernelCase[] = [
  ...binaryCases,
  ...unaryCases,
  ...reductionCases.filter(scansOnCpu),
  ...matmulCases,
  ...fusedCases,
  ...shapingCases,
  ...scatterCases,
  ...otherCases,
];

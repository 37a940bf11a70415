import { exactly, random } from '../../support/compareBackends';
import type { KernelCase } from '../../support/compareBackends';
import { special } from './shared';

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

export const unaryCases: KernelCase[] = [
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

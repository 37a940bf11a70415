import { exactly, random } from '../../support/compareBackends';
import type { KernelCase } from '../../support/compareBackends';
import { shapes } from './shared';

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

export const binaryCases: KernelCase[] = [
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

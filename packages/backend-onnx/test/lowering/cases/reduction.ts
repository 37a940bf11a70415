import { exactly, random } from '../../support/compareBackends';
import type { KernelCase } from '../../support/compareBackends';

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
export const reductionCases: KernelCase[] = [
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

import { exactly } from '../../support/compareBackends';

/** Numbers that go wrong. */
export const special = exactly([
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

/** Pairs of shapes that broadcast. */
export const shapes: readonly (readonly [number[], number[]])[] = [
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

/** Every type a tensor can have here. */
export const kinds = ['float32', 'int32', 'bool'] as const;

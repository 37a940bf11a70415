import { random } from '../../support/compareBackends';
import type { KernelCase } from '../../support/compareBackends';

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
export const matmulCases: KernelCase[] = matmulShapes.flatMap(([a, b]) =>
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
export const fusedCases: KernelCase[] = [
  undefined,
  'linear',
  'relu',
  'relu6',
  'elu',
  'sigmoid',
  'leakyrelu',
  'prelu',
].map((activation) => ({
  kernel: '_FusedMatMul',
  label: String(activation),
  inputs: {
    a: random([1, 3, 4]),
    b: random([1, 4, 5]),
    bias: random([5]),
    ...(activation === 'prelu' ? { preluActivationWeights: random([1, 3, 5]) } : {}),
  },
  attributes: { transposeA: false, transposeB: false, activation, leakyreluAlpha: 0.3 },
}));

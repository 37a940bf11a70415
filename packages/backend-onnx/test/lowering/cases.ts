import type { KernelCase } from '../support/compareBackends';
import { binaryCases } from './cases/binary';
import { matmulCases, fusedCases } from './cases/matmul';
import { otherCases } from './cases/other';
import { reductionCases } from './cases/reduction';
import { scatterCases } from './cases/scatter';
import { shapingCases } from './cases/shaping';
import { unaryCases } from './cases/unary';

/** TensorFlow.js's cpu kernel scans only the innermost axis; the op transposes for the others. */
const scansOnCpu = (test: KernelCase): boolean => !test.kernel.startsWith('Cum') || test.attributes!.axis === 1;

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

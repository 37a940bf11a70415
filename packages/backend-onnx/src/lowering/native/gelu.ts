import { kernel } from '../types';
import { nativeDomain } from './types';
import type { NativeLowering } from './types';

const domain = nativeDomain;
const always = (): boolean => true;

export const geluLowerings: readonly NativeLowering[] = [
  { ...kernel('GeluTanh', ['x'], (graph, [x]) => graph.op('FastGelu', [x], {}, { domain })), supports: always },
  {
    ...kernel('GeluTanhGradient', ['gradient', 'x'], (graph, [gradient, x]) =>
      graph.op('FastGeluGrad', [gradient, x], {}, { domain }),
    ),
    supports: always,
  },
];

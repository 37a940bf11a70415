import { kernel } from '../types';
import { nativeDomain } from './types';
import type { NativeLowering } from './types';

const always = (): boolean => true;

export const swigluLowerings: readonly NativeLowering[] = [
  {
    ...kernel('SwiGlu', ['gate', 'up'], (graph, [gate, up]) =>
      graph.op('SwiGlu', [gate, up], {}, { domain: nativeDomain }),
    ),
    supports: always,
  },
  {
    kernelName: 'SwiGluGradient',
    inputs: ['gradient', 'gate', 'up'],
    supports: always,
    lower: (graph, [gradient, gate, up]) => graph.ops('SwiGluGrad', [gradient, gate, up], {}, [gate, up], nativeDomain),
  },
];

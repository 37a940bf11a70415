import { nativeDomain } from './types';
import type { NativeLowering } from './types';

export const adamwLowerings: readonly NativeLowering[] = [
  {
    // parameter, gradient, first and second moment alike; factors [6]: keep, rate, floor, beta1, beta2, gradient scale
    kernelName: 'AdamWUpdate',
    inputs: ['parameter', 'gradient', 'first', 'second', 'factors'],
    supports: () => true,
    lower: (graph, [parameter, gradient, first, second, factors]) =>
      graph.ops(
        'AdamWUpdate',
        [parameter, gradient, first, second, factors],
        {},
        [parameter, first, second],
        nativeDomain,
      ),
  },
];

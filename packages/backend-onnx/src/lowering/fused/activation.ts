import { kernel } from '../types';
import type { KernelLowering } from '../types';

const microsoft = { domain: 'com.microsoft' };

export const activationLowerings: readonly KernelLowering[] = [
  /** `x · Φ(x)` */
  kernel('Gelu', ['x'], (graph, [x]) => graph.op('Gelu', [x], {}, microsoft)),
  /** `x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))` */
  kernel('FastGelu', ['x'], (graph, [x]) => graph.op('FastGelu', [x], {}, microsoft)),
  /** `x · σ(alpha · x)` */
  kernel('QuickGelu', ['x'], (graph, [x], { alpha }) =>
    graph.op('QuickGelu', [x], { alpha: { float: (alpha as number | undefined) ?? 1.702 } }, microsoft),
  ),
];

import { transpose } from '../shaping';
import { nativeDomain } from './types';
import type { NativeLowering } from './types';

/** Angles per position [T,E/2], or per row and position [B or 1,1,T,E/2]. */
function anglesFit(angles: readonly number[], [batch, , time, width]: readonly number[]): boolean {
  const [rows, heads, ...rest] = angles.length === 2 ? [1, 1, ...angles] : angles;
  return heads === 1 && (rows === 1 || rows === batch) && rest[0] === time && rest[1] === width / 2;
}

export const rotaryLowerings: readonly NativeLowering[] = [
  {
    // x [B,H,T,E], which projections make of [B,T,H·E]: the kernel takes it before heads and time change places
    kernelName: 'Rotary',
    inputs: ['x', 'cos', 'sin'],
    supports: ({ x, cos }) =>
      x?.shape.length === 4 &&
      x.shape[3] % 16 === 0 &&
      x.shape.every((size) => size > 0) &&
      (cos!.shape.length === 2 || cos!.shape.length === 4) &&
      anglesFit(cos!.shape, x.shape),
    lower(graph, [x, cos, sin]) {
      const lying = transpose(graph, x, [0, 2, 1, 3]); // [B,T,H,E]
      const turned = graph.op('Rotary', [lying, cos, sin], { heads: x.shape[1] }, { domain: nativeDomain });
      return [transpose(graph, turned, [0, 2, 1, 3])];
    },
  },
];

import { attentionSinks, blockSparse, localGlobal, slidingWindow } from '@tesserae/core';
import type { AttentionPattern } from '@tesserae/core';
import { timing } from './setting';

/** A way to attend that is timed. */
export interface Way {
  readonly name: string;
  /** Dense and causal where there is none. */
  readonly pattern?: AttentionPattern | undefined;
  /** Whether the native kernels are left out. */
  readonly standard?: boolean | undefined;
}

/** The lengths that a way is taken to. */
export function lengthsOf({ pattern, standard }: Way): number[] {
  const square = standard === true && pattern === undefined;
  return timing.lengths.filter((length) => !square || length <= timing.longestSquare);
}

/** Every way, dense ones first. */
export function ways(): Way[] {
  const { window } = timing;
  return [
    { name: 'dense' },
    { name: 'dense, standard operators', standard: true },
    { name: 'sliding window', pattern: slidingWindow({ window }) },
    { name: 'sliding window, standard operators', pattern: slidingWindow({ window }), standard: true },
    { name: 'local and global', pattern: localGlobal({ window, globalPositions: [0] }) },
    { name: 'random blocks', pattern: blockSparse({ block: 64, windowBlocks: 3, globalBlocks: 1, randomBlocks: 3 }) },
    { name: 'attention sinks', pattern: attentionSinks({ sinks: 4, window: window - 4 }) },
  ];
}

import { badHeads } from './task-head';
import type { TaskSampling } from './task-sampling';

/** Rows of a step: how many of each task, and how many of each came before. */
export interface RowShares {
  readonly rows: readonly number[];
  readonly before: readonly number[];
}

/**
 * Gives out the rows of steps so that every task has its share over time, whole row by whole row: each row goes to the task
 * that is furthest behind what it should have had. Follows from the step alone.
 */
export function rowShares(sampling: TaskSampling, sizes: readonly number[], rows: number): (step: number) => RowShares {
  const start = () => ({ step: 0, wanted: sizes.map(() => 0), given: sizes.map(() => 0) });
  let state = start();
  const advance = (): RowShares => {
    const shares = sharesOf(sampling, sizes, state.step);
    const before = [...state.given];
    const wanted = state.wanted.map((sum, k) => sum + rows * shares[k]);
    for (let row = 0; row < rows; row++) {
      const behind = wanted.map((sum, k) => sum - state.given[k]);
      state.given[behind.indexOf(Math.max(...behind))]++;
    }
    state = { step: state.step + 1, wanted, given: state.given };
    return { rows: state.given.map((count, k) => count - before[k]), before };
  };
  let last: RowShares | undefined;
  return (step) => {
    if (last !== undefined && step === state.step - 1) return last;
    if (step < state.step) state = start();
    while (state.step <= step) last = advance();
    return last!;
  };
}

/** @throws E_OPTION for shares that are none */
function sharesOf(sampling: TaskSampling, sizes: readonly number[], step: number): number[] {
  const shares = sampling.shares(sizes, step);
  const total = shares.reduce((sum, share) => sum + share, 0);
  const good = shares.length === sizes.length && shares.every((share) => share >= 0) && total > 0 && total < Infinity;
  if (good) return shares.map((share) => share / total);
  throw badHeads(
    `${sampling.name} gave the shares ${shares.join(', ')} for ${sizes.length} tasks in step ${step}`,
    'give one number ≥ 0 a task, with a sum above 0',
  );
}

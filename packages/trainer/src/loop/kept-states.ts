import { tesseraeError } from '@tesserae/registry';
import type { StateCopy } from './tensor-copies';

/** A state that the run may go back to. */
export interface KeptState extends StateCopy {
  /** Updates made. */
  readonly step: number;
  /** Steps that it has to last before it takes the place of the one before. */
  readonly settleSteps: number;
}

/** The states that a run may go back to: the newest that has lasted, and newer ones that have yet to. */
export interface KeptStates {
  /** Oldest first. */
  readonly all: readonly KeptState[];
  keep(state: KeptState): void;
  /** Drops what is older than the newest state that has lasted. */
  settle(made: number): void;
  /** The state to go back to from an update that failed; newer ones are dropped. */
  goBack(failed: number): KeptState;
}

/** States in memory; begins with those that a checkpoint held. */
export function createKeptStates(restored: readonly KeptState[] = []): KeptStates {
  let all = [...restored];
  const hasLasted = (state: KeptState, made: number): boolean => made - state.step >= state.settleSteps;
  return {
    get all() {
      return all;
    },
    keep(state) {
      all = [...all.filter(({ step }) => step < state.step), state];
    },
    settle(made) {
      const newest = all.filter((state) => hasLasted(state, made)).at(-1);
      if (newest) all = all.filter(({ step }) => step >= newest.step);
    },
    goBack(failed) {
      const found = all.filter((state) => hasLasted(state, failed - 1)).at(-1) ?? all.at(0);
      if (found === undefined)
        throw tesseraeError({
          package: 'trainer',
          plugin: 'train',
          code: 'E_ROLLBACK',
          message: `a callback asked to go back from step ${failed}, and no state was kept`,
          fix: 'call context.keepState() in onStart or onStep before context.rollBack()',
        });
      all = all.filter(({ step }) => step <= found.step);
      return found;
    },
  };
}

import { badState } from './row-errors';
import { hashOf, stateOf } from './row-core';
import type { RowCore } from './row-core';

/** The rows of a list. */
export function listRows<R>(rows: readonly R[]): RowCore<R> {
  return {
    skipped: { count: 0, examples: [] },
    description: undefined,
    fingerprint: () => Promise.resolve(hashOf('list', ...rows.map((row) => JSON.stringify(row) ?? 'undefined'))),
    open({ state } = {}) {
      let row = state === undefined ? 0 : stateOf<{ row: number }>('list', state, ['row']).row;
      if (row > rows.length) throw badState(`it is after row ${row} of a list of ${rows.length}`);
      return {
        next: () => Promise.resolve(row < rows.length ? rows[row++] : undefined),
        state: () => ({ kind: 'list', row }),
        close: () => Promise.resolve(),
      };
    },
  };
}

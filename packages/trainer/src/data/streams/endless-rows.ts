import type { Plain } from '../../checkpoints/format';
import { noRows } from '../rows/row-errors';
import { stateOf } from '../rows/row-core';
import type { RowCore } from '../rows/row-core';

/** The rows of a source, epoch after epoch. */
export interface EndlessRows<R> {
  next(): Promise<R>;
  readonly epoch: number;
  state(): Plain;
  close(): Promise<void>;
}

/** @throws E_NO_ROWS while reading, when a pass over the source gives no row */
export function endlessRows<R>(source: RowCore<R>, state: Plain | undefined): EndlessRows<R> {
  const kind = 'endless';
  const from =
    state === undefined
      ? undefined
      : stateOf<{ epoch: number; rows: number; upstream: Plain }>(kind, state, ['epoch', 'rows']);
  let epoch = from?.epoch ?? 0;
  let rows = from?.rows ?? 0; // of this epoch
  let pass = source.open({ epoch, state: from?.upstream });
  return {
    get epoch() {
      return epoch;
    },
    async next() {
      for (;;) {
        const row = await pass.next();
        if (row !== undefined) {
          rows++;
          return row;
        }
        if (rows === 0) throw noRows('the training data', 'check its files, filters, take(), and the split');
        rows = 0;
        pass = source.open({ epoch: ++epoch });
      }
    },
    state: () => ({ kind, epoch, rows, upstream: pass.state() }),
    close: () => pass.close(),
  };
}

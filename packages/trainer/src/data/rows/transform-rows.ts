import type { Plain } from '../../checkpoints/format';
import { hashOf, stateOf } from './row-core';
import type { RowCore, RowPass, RowStart, SourceDescription } from './row-core';
import { passOriginOn } from './row-origins';

/** Where a row stands in the source that a function is applied to. */
export interface RowPlace {
  /** Rows before it in this pass. */
  readonly index: number;
  /** Passes before this one. */
  readonly epoch: number;
}

interface Counted {
  readonly rows: number;
  readonly upstream: Plain;
}

/** What a step does with the row of a place: gives a row, leaves it out (undefined), or ends the pass. */
type Step<R, S> = (row: R, place: RowPlace) => S | undefined | Promise<S | undefined>;

interface Walk<R, S> {
  readonly kind: string;
  readonly identity: string;
  readonly description?: SourceDescription | undefined;
  readonly step: Step<R, S>;
  /** True when no row after so many is wanted. */
  readonly ends?: (rows: number) => boolean;
}

/** A source whose rows are made of another's, one by one. */
function walked<R, S>(source: RowCore<R>, { kind, identity, description, step, ends }: Walk<R, S>): RowCore<S> {
  return {
    get skipped() {
      return source.skipped;
    },
    description: source.description && description && { ...description, kind, of: source.description },
    fingerprint: async () => hashOf(kind, identity, await source.fingerprint()),
    open({ epoch = 0, state }: RowStart = {}): RowPass<S> {
      const from = state === undefined ? undefined : stateOf<Counted>(kind, state, ['rows']);
      const pass = source.open({ epoch, state: from?.upstream });
      let rows = from?.rows ?? 0;
      return {
        async next() {
          for (;;) {
            if (ends?.(rows) === true) {
              await pass.close();
              return undefined;
            }
            const row = await pass.next();
            if (row === undefined) return undefined;
            const made = await step(row, { index: rows++, epoch });
            if (made === undefined) continue;
            passOriginOn(row, made);
            return made;
          }
        },
        state: () => ({ kind, rows, upstream: pass.state() }),
        close: () => pass.close(),
      };
    },
  };
}

/** Rows made of rows; undefined leaves one out. */
export const mapRows = <R, S>(source: RowCore<R>, make: Step<R, S>, said: Partial<Walk<R, S>> = {}): RowCore<S> =>
  walked(source, { kind: 'map', identity: String(make), step: make, ...said });

/** The rows for which a function says so. */
export const filterRows = <R>(
  source: RowCore<R>,
  keep: (row: R, place: RowPlace) => boolean | Promise<boolean>,
): RowCore<R> =>
  walked(source, {
    kind: 'filter',
    identity: String(keep),
    step: async (row: R, place) => ((await keep(row, place)) ? row : undefined),
  });

/** The first rows. */
export const takeRows = <R>(source: RowCore<R>, count: number): RowCore<R> =>
  walked(source, {
    kind: 'take',
    identity: String(count),
    description: { count },
    step: (row: R) => row,
    ends: (rows) => rows >= count,
  });

/** The rows after the first ones. */
export const skipRows = <R>(source: RowCore<R>, count: number): RowCore<R> =>
  walked(source, {
    kind: 'skip',
    identity: String(count),
    description: { count },
    step: (row: R, { index }) => (index < count ? undefined : row),
  });

/** Every row that is (or is not) in a share of the rows, spread evenly: row i where ⌊(i+1)·share⌋ > ⌊i·share⌋. */
export const shareOfRows = <R>(source: RowCore<R>, share: number, inside: boolean): RowCore<R> =>
  walked(source, {
    kind: 'share',
    identity: `${share},${inside}`,
    description: { share, inside },
    step: (row: R, { index }) =>
      Math.floor((index + 1) * share) > Math.floor(index * share) === inside ? row : undefined,
  });

/** The rows again and again: pass after pass, each with an epoch of its own; for ever where no number is given. */
export function repeatRows<R>(source: RowCore<R>, times = Infinity): RowCore<R> {
  const kind = 'repeat';
  return {
    get skipped() {
      return source.skipped;
    },
    description: source.description && { kind, times: Number.isFinite(times) ? times : null, of: source.description },
    fingerprint: async () => hashOf(kind, String(times), await source.fingerprint()),
    open({ epoch: outer = 0, state } = {}) {
      const from =
        state === undefined
          ? undefined
          : stateOf<{ round: number; fresh?: boolean; upstream: Plain }>(kind, state, ['round']);
      const epochOf = (round: number): number => (Number.isFinite(times) ? outer * times : 0) + round;
      let round = from?.round ?? 0;
      let pass = source.open({ epoch: epochOf(round), state: from?.upstream });
      let fresh = from?.fresh ?? from === undefined; // no row of this pass was seen yet
      return {
        async next() {
          for (;;) {
            const row = await pass.next();
            if (row !== undefined) {
              fresh = false;
              return row;
            }
            if (fresh || round + 1 >= times) return undefined; // an empty source is not asked for ever
            pass = source.open({ epoch: epochOf(++round) });
            fresh = true;
          }
        },
        state: () => ({ kind, round, fresh, upstream: pass.state() }),
        close: () => pass.close(),
      };
    },
  };
}

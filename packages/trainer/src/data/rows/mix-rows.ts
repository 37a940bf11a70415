import { createKey, foldIn, uniform } from '@tesserae/core';
import type { Plain } from '../../checkpoints/format';
import { badState } from './row-errors';
import { hashOf, stateOf } from './row-core';
import type { RowCore, RowPass } from './row-core';

/** When a mix ends. */
export type MixEnd = 'first' | 'all';

/** A source and how often it is drawn from. */
export interface MixPart<R> {
  readonly source: RowCore<R>;
  readonly weight: number;
}

interface MixState {
  readonly kind: 'mix';
  /** Draws made. */
  readonly drawn: number;
  readonly ended: boolean;
  readonly parts: readonly { readonly round: number; readonly done: boolean; readonly state: Plain }[];
}

interface Part<R> {
  pass: RowPass<R>;
  /** Passes that came to their end. */
  round: number;
  done: boolean;
}

/**
 * Rows drawn from several sources, each as often as its weight says. It ends when the first of them ends, or when all have
 * ended once; those that end before begin again, as a new epoch.
 */
export function mixRows<R>(parts: readonly MixPart<R>[], seed: number, until: MixEnd): RowCore<R> {
  const kind = 'mix';
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  const shares = parts.map(({ weight }) => weight / total);
  const epochOf = (epoch: number, round: number): number => (epoch === 0 ? round : epoch * 2 ** 12 + round);
  return {
    get skipped() {
      const all = parts.map(({ source }) => source.skipped);
      return {
        count: all.reduce((sum, { count }) => sum + count, 0),
        examples: all.flatMap(({ examples }) => examples).slice(0, 10),
      };
    },
    description: parts.every(({ source }) => source.description)
      ? { kind, seed, until, of: parts.map(({ source, weight }) => ({ weight, source: source.description! })) }
      : undefined,
    fingerprint: async () =>
      hashOf(
        kind,
        `${seed},${until}`,
        ...(await Promise.all(parts.map(async ({ source, weight }) => `${weight},${await source.fingerprint()}`))),
      ),
    open({ epoch = 0, state } = {}) {
      const from = state === undefined ? undefined : stateOf<MixState>(kind, state, ['drawn']);
      if (from !== undefined && (!Array.isArray(from.parts) || from.parts.length !== parts.length))
        throw badState(`it is of another number of sources than ${parts.length}`);
      const key = foldIn(createKey(seed), epoch);
      let drawn = from?.drawn ?? 0;
      const open: Part<R>[] = parts.map(({ source }, i) => {
        const { round = 0, done = false, state: inner } = from?.parts[i] ?? {};
        return { round, done, pass: source.open({ epoch: epochOf(epoch, round), state: inner }) };
      });
      const close = async (): Promise<void> => {
        for (const { pass } of open) await pass.close();
      };
      let ended = from?.ended === true;
      const end = async (): Promise<undefined> => {
        ended = true;
        await close();
        return undefined;
      };
      return {
        async next() {
          while (!ended) {
            const [number] = uniform(foldIn(key, drawn++), 1);
            const at = pick(shares, number);
            const part = open[at];
            let row = await part.pass.next();
            if (row === undefined) {
              part.done = true;
              if (until === 'first' || open.every(({ done }) => done)) return end();
              part.pass = parts[at].source.open({ epoch: epochOf(epoch, ++part.round) });
              row = await part.pass.next();
              if (row === undefined) return end(); // an empty source would never give one
            }
            return row;
          }
          return undefined;
        },
        state: () => ({
          kind,
          drawn,
          ended,
          parts: open.map(({ round, done, pass }) => ({ round, done, state: pass.state() })),
        }),
        close,
      };
    },
  };
}

/** The part whose share of [0, 1) holds the number. */
function pick(shares: readonly number[], number: number): number {
  let sum = 0;
  for (let i = 0; i < shares.length; i++) {
    sum += shares[i];
    if (number < sum) return i;
  }
  return shares.length - 1; // the shares add up to a hair less than 1
}

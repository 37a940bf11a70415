import { createKey, foldIn, integers } from '@tesserae/core';
import type { Key } from '@tesserae/core';
import type { Plain } from '../../checkpoints/format';
import { badState } from './row-errors';
import { hashOf, stateOf } from './row-core';
import type { RowCore, RowPass } from './row-core';

/** How rows are shuffled. */
export interface ShuffleOptions {
  /** Rows in memory, among which the next is drawn: 1000. */
  readonly buffer?: number;
  /** Decides the order, together with the epoch: 0. */
  readonly seed?: number;
}

/**
 * What brings a buffer back: the numbers of the rows in it, and a state of the source before the oldest of them, from where
 * they are read again. The rows themselves would make checkpoints as large as the buffer.
 */
interface ShuffleState {
  readonly kind: 'shuffle';
  /** Rows given so far. */
  readonly given: number;
  /** Rows read so far. */
  readonly read: number;
  /** Numbers of the rows in the buffer, in its order. */
  readonly held: readonly number[];
  /** The number of the row that the source gives next in `upstream`. */
  readonly from: number;
  readonly upstream: Plain;
}

/** A state of the source, and the number of the row that comes next. */
interface Landmark {
  readonly row: number;
  readonly state: Plain;
}

/** Rows in a random order: each is drawn from a buffer of so many, and the next of the source takes its place. */
export function shuffleRows<R>(source: RowCore<R>, { buffer = 1000, seed = 0 }: ShuffleOptions): RowCore<R> {
  const kind = 'shuffle';
  return {
    get skipped() {
      return source.skipped;
    },
    description: source.description && { kind, buffer, seed, of: source.description },
    fingerprint: async () => hashOf(kind, `${buffer},${seed}`, await source.fingerprint()),
    open({ epoch = 0, state } = {}) {
      const key = foldIn(createKey(seed), epoch);
      if (state === undefined) return passOf(source.open({ epoch }), buffer, key, undefined);
      const from = stateOf<ShuffleState>(kind, state, ['given', 'read', 'from']);
      if (!Array.isArray(from.held) || from.held.length > buffer || from.read - from.from > 2 ** 32)
        throw badState(`it is of another buffer than one of ${buffer} rows`);
      return passOf(source.open({ epoch, state: from.upstream }), buffer, key, from);
    },
  };
}

interface Held<R> {
  readonly row: R;
  readonly number: number;
}

function passOf<R>(pass: RowPass<R>, buffer: number, key: Key, from: ShuffleState | undefined): RowPass<R> {
  let held: Held<R>[] = [];
  let given = from?.given ?? 0;
  let read = from?.from ?? 0;
  let ended = false;
  let landmarks: Landmark[] = [{ row: read, state: from?.upstream ?? pass.state() }];
  let refilled = from === undefined;

  /** Landmarks before the oldest row of the buffer are of no use, but for the last of them. */
  const forget = (): void => {
    let oldest = read;
    for (const { number } of held) oldest = Math.min(oldest, number);
    let first = 0;
    while (first + 1 < landmarks.length && landmarks[first + 1].row <= oldest) first++;
    landmarks = landmarks.slice(first);
  };
  const readOne = async (): Promise<Held<R> | undefined> => {
    if (ended) return undefined;
    if (read - landmarks[landmarks.length - 1].row >= buffer) {
      landmarks.push({ row: read, state: pass.state() });
      if (refilled) forget();
    }
    const row = await pass.next();
    if (row === undefined) ended = true;
    return row === undefined ? undefined : { row, number: read++ };
  };
  /** Reads the rows of a saved buffer again. */
  const refill = async (state: ShuffleState): Promise<void> => {
    const places = new Map(state.held.map((number, place) => [number, place]));
    const rows: (Held<R> | undefined)[] = [];
    while (read < state.read) {
      const one = await readOne();
      if (one === undefined) throw badState(`the source ended after ${read} of ${state.read} rows`);
      const place = places.get(one.number);
      if (place !== undefined) rows[place] = one;
    }
    held = rows.filter((one) => one !== undefined);
    if (held.length !== state.held.length) throw badState('rows of its buffer are not there any more');
  };
  return {
    async next() {
      if (!refilled) {
        await refill(from!);
        refilled = true;
      }
      while (held.length < buffer) {
        const one = await readOne();
        if (one === undefined) break;
        held.push(one);
      }
      if (held.length === 0) return undefined;
      const [at] = integers(foldIn(key, given), 1, 0, held.length);
      const { row } = held[at];
      given++;
      const next = await readOne();
      if (next === undefined) held[at] = held[held.length - 1];
      else held[at] = next;
      if (next === undefined) held.pop();
      return row;
    },
    state() {
      if (!refilled) return from as unknown as Plain;
      forget();
      const [{ row, state }] = landmarks;
      return { kind: 'shuffle', given, read, held: held.map(({ number }) => number), from: row, upstream: state };
    },
    close: () => pass.close(),
  };
}

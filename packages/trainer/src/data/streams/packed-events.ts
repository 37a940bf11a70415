import { createKey, foldIn, permutation } from '@tesserae/core';
import type { Key } from '@tesserae/core';
import type { Plain } from '../../checkpoints/format';
import type { PackableSequence, PreparedData } from '../../objectives/objective';
import { packAll } from '../../objectives/packed-rows';
import { cannotPack } from '../../objectives/packing-errors';
import { badState } from '../rows/row-errors';
import type { RowCore } from '../rows/row-core';
import { stateOf } from '../rows/row-core';
import { SNAPSHOT_EVERY } from './batch-events';
import type { BatchEvents } from './batch-events';
import { endlessRows } from './endless-rows';
import type { EndlessRows } from './endless-rows';
import { prepareGroup } from './row-events';
import type { RowBatches } from './row-events';

/** Where a stream of packs stands before a group: what of the group before waits for it, and how to read that again. */
interface PacksState {
  /** Of the rows, before those of the group before. */
  readonly rows: Plain;
  /** Rows of the group before. */
  readonly read: number;
  /** Those of its sequences that wait, by their numbers. */
  readonly waiting: readonly number[];
}

/** What was read for a group. */
interface Reading extends Pick<PreparedData, 'contextLength'>, NonNullable<PreparedData['packable']> {
  /** Rows. */
  readonly read: number;
}

type Sequences = readonly PackableSequence[];

/**
 * Rows one after the other, of which several share a row of the batch. A buffer of them at a time is packed; the emptiest
 * packs that fill no batch wait for the next buffer, where they get their turn for certain. What is random about a group
 * follows from the seed and its number.
 */
export const packedEvents = (source: RowCore<unknown>, batches: RowBatches): BatchEvents =>
  async function* (snapshot) {
    const { rows: B, seed } = batches.settings;
    const from = snapshot === undefined ? undefined : checkSnapshot(snapshot);
    const stream = endlessRows(source, from?.rows);
    let before: PacksState = from ?? { rows: stream.state(), read: 0, waiting: [] };
    let group = from?.group ?? 0;
    let since = SNAPSHOT_EVERY;
    try {
      let waiting = from === undefined ? [] : await readAgain(stream, batches, from);
      for (; ; group++) {
        if (since >= SNAPSHOT_EVERY) {
          yield { snapshot: { kind: 'packs', ...before, waiting: [...before.waiting], group } };
          since = 0;
        }
        const rows = stream.state();
        const reading = await readGroup(stream, batches, waiting);
        const key = foldIn(createKey(seed), group);
        const { given, left } = choose(reading, waiting, B, key);
        for (let at = 0; at < given.length; at += B, since++)
          yield { batch: reading.batchOf(given.slice(at, at + B), foldIn(key, at)) };
        waiting = left;
        const numbers = new Map(reading.sequences.map((sequence, number) => [sequence, number]));
        before = { rows, read: reading.read, waiting: left.map((sequence) => numbers.get(sequence)!) };
      }
    } finally {
      await stream.close();
    }
  };

/** Rows of a buffer, or as many buffers as it takes to fill a batch with what waits. */
async function readGroup(stream: EndlessRows<unknown>, batches: RowBatches, waiting: Sequences): Promise<Reading> {
  const { packing, rows: B } = batches.settings;
  let all = await readRows(stream, batches, packing!.buffer);
  while (packAll([...waiting, ...all.sequences], all.contextLength).length < B) {
    const more = await readRows(stream, batches, packing!.buffer);
    all = { ...more, read: all.read + more.read, sequences: [...all.sequences, ...more.sequences] };
  }
  return all;
}

async function readRows(stream: EndlessRows<unknown>, batches: RowBatches, count: number): Promise<Reading> {
  const rows: unknown[] = [];
  while (rows.length < count) rows.push(await stream.next());
  const { contextLength, packable } = await prepareGroup(batches.objective, batches.model, rows, batches.settings, 0);
  if (packable === undefined)
    throw cannotPack(batches.objective.name, 'its prepare gives no packable rows', 'give them, or leave packing out');
  return { contextLength, ...packable, read: count };
}

/** The sequences that waited before a group: its stream then stands where the group begins. */
async function readAgain(
  stream: EndlessRows<unknown>,
  batches: RowBatches,
  { read, waiting }: PacksState,
): Promise<Sequences> {
  if (read === 0) return [];
  const { buffer } = batches.settings.packing!;
  const sequences: PackableSequence[] = [];
  for (let at = 0; at < read; at += buffer) sequences.push(...(await readRows(stream, batches, buffer)).sequences);
  if (read % buffer !== 0 || waiting.some((number) => !(number < sequences.length)))
    throw badState(`it is of another buffer than one of ${buffer} rows, or of other rows`);
  return waiting.map((number) => sequences[number]);
}

/**
 * The packs of whole batches in a random order, and the sequences that are left: the emptiest packs, but none that waited
 * before, so that none waits for ever. Where there are not enough of these, empty packs fill the last batch.
 */
function choose(
  { sequences, contextLength }: Reading,
  waiting: Sequences,
  rows: number,
  key: Key,
): { given: Sequences[]; left: PackableSequence[] } {
  const old = new Set(waiting);
  const packs = packAll([...waiting, ...sequences], contextLength);
  const filled = (pack: Sequences): number => pack.reduce((sum, { length }) => sum + length, 0);
  const over = packs.length % rows;
  const free = packs.filter((pack) => !pack.some((sequence) => old.has(sequence)));
  const emptiest = free.sort((a, b) => filled(a) - filled(b)).slice(0, over);
  const left = new Set(emptiest.length === over ? emptiest : []);
  const given: Sequences[] = packs.filter((pack) => !left.has(pack));
  while (given.length % rows !== 0) given.push([]);
  const order = permutation(foldIn(key, 2 ** 31), given.length);
  return { given: Array.from(order, (at) => given[at]), left: [...left].flat() };
}

function checkSnapshot(snapshot: Plain): PacksState & { readonly group: number } {
  const state = stateOf<PacksState & { group: number }>('packs', snapshot, ['group', 'read']);
  const { waiting } = state as { waiting?: unknown };
  if (Array.isArray(waiting) && waiting.every((one) => Number.isSafeInteger(one) && (one as number) >= 0)) return state;
  throw badState(`its waiting sequences are ${JSON.stringify(waiting)}`);
}

import { createHash } from 'node:crypto';
import { createKey, foldIn, permutation, splitKey } from '@tesserae/core';
import type { Key, Model } from '@tesserae/core';
import { widthFor } from '../data/streams/widths';
import { badRows } from './objective-errors';
import type { ObjectiveBatch, ObjectiveSettings, PreparedData } from './objective';

/** One row before it is padded: lists of ids by name. */
export type Row = Readonly<Record<string, readonly number[]>>;

/** How rows become batches. */
export interface PaddedRows<R> {
  readonly objective: string;
  /** What was encoded, in the order of the data. */
  readonly rows: readonly R[];
  /** The row that the model sees, made anew for every step from a key of its own. */
  make(row: R, key: Key): Row;
  /** The ids of a row, for the fingerprint. */
  ids(row: R): readonly (readonly number[])[];
  /** What short rows are filled up with, by name; names that are not here are filled with 0. */
  readonly fillers: Readonly<Record<string, number>>;
  /** Names whose real places are told to the model as a mask, with the mask's name. */
  readonly masks: Readonly<Record<string, string>>;
  /** Names of lists that hold fractions: float32. */
  readonly floats?: readonly string[];
  /** Names that become as wide as the widest of them, so that they can stand in one tensor. */
  readonly alike?: readonly string[];
}

/** Tokens of a row at most. */
export const longestRow = (
  { architecture, config }: Model,
  { contextLength = Infinity }: Pick<ObjectiveSettings, 'contextLength'>,
): number => Math.min(contextLength, architecture.positionLimit?.(config) ?? config.maxPositionEmbeddings);

/** The first rows to learn from, and the last for evaluations. @throws E_OBJECTIVE_DATA when none is left to learn from */
export function splitForEvaluation<R>(
  { rows, objective }: PaddedRows<R>,
  settings: ObjectiveSettings,
): { readonly train: readonly R[]; readonly validation: readonly R[] } {
  const kept =
    settings.evaluationBatches === 0 ? 0 : Math.max(1, Math.round(rows.length * settings.validationFraction));
  const [train, validation] = [rows.slice(0, rows.length - kept), rows.slice(rows.length - kept)];
  if (train.length > 0) return { train, validation };
  throw badRows(
    objective,
    `of ${rows.length} rows none is left to learn from`,
    'give more, or a smaller validationFraction',
  );
}

/**
 * Rows in a new random order each time around, padded on the right to the longest of all, so that every step has one shape.
 * The batch of a step follows from the seed and the step alone.
 */
export function preparePadded<R>(model: Model, settings: ObjectiveSettings, source: PaddedRows<R>): PreparedData {
  const { rows } = source;
  const { train, validation } = splitForEvaluation(source, settings);
  const [orderKey, rowKey, evaluationKey] = splitKey(createKey(settings.seed), 3);
  const { widths: steps } = settings;
  const longest = roundUp(
    widthsOf(
      rows.map((row) => source.make(row, rowKey)),
      source,
    ),
    source,
    steps,
  );
  const batchOf = (some: readonly R[], key: Key, whole = false): ObjectiveBatch => {
    const made = some.map((row, i) => source.make(row, foldIn(key, i)));
    return pad(
      made,
      whole || steps === undefined ? longest : roundUp(widthsOf(made, source), source, steps, longest),
      source,
    );
  };
  let shuffled: { epoch: number; order: Int32Array } = { epoch: -1, order: new Int32Array(0) };
  const rowAt = (index: number): R => {
    const epoch = Math.floor(index / train.length);
    if (shuffled.epoch !== epoch) shuffled = { epoch, order: permutation(foldIn(orderKey, epoch), train.length) };
    return train[shuffled.order[index % train.length]];
  };
  const inGroups = lengthGroups(train, rowAt, settings, source, foldIn(orderKey, 2 ** 31));
  return {
    contextLength: longest.inputIds,
    fingerprint: fingerprintOf(source),
    evaluationBatches: evaluationParts(validation, settings).map((part, i) =>
      batchOf(part, foldIn(evaluationKey, i), true),
    ),
    sampler: (step) =>
      batchOf(
        inGroups?.(step) ?? Array.from({ length: settings.rows }, (_, i) => rowAt(step * settings.rows + i)),
        foldIn(rowKey, step),
      ),
  };
}

/** Whole batches where there are enough rows, or an empty one to fill the last up: one shape, one program. */
export function evaluationParts<R>(
  rows: readonly R[],
  { evaluationRows, evaluationBatches }: ObjectiveSettings,
  empty?: R,
): R[][] {
  const parts: R[][] = [];
  for (let i = 0; i < rows.length && parts.length < evaluationBatches; i += evaluationRows)
    parts.push(rows.slice(i, i + evaluationRows));
  const last = parts.at(-1);
  while (empty !== undefined && parts.length > 1 && last!.length < evaluationRows) last!.push(empty);
  return parts.length > 1 ? parts.filter((part) => part.length === evaluationRows) : parts;
}

function widthsOf<R>(rows: readonly Row[], { alike = [] }: PaddedRows<R>): Record<string, number> {
  const widths: Record<string, number> = {};
  for (const row of rows)
    for (const [name, list] of Object.entries(row)) widths[name] = Math.max(widths[name] ?? 1, list.length);
  const widest = Math.max(0, ...alike.map((name) => widths[name]));
  for (const name of alike) widths[name] = widest;
  return widths;
}

/** Lists of a forward pass that are as long as the ids. */
const besideIds: readonly string[] = ['inputIds', 'tokenTypeIds', 'attentionMask', 'decoderInputIds'];

/** Widths of lists that are filled up, each the next of the given ones; those of other lists are the same for every batch. */
function roundUp<R>(
  widths: Record<string, number>,
  { fillers, masks, alike }: PaddedRows<R>,
  steps: readonly number[] | undefined,
  all: Readonly<Record<string, number>> = widths,
): Record<string, number> {
  if (steps === undefined) return widths;
  const filled = (name: string): boolean =>
    Object.hasOwn(fillers, name) ||
    Object.hasOwn(masks, name) ||
    besideIds.includes(name) ||
    alike?.includes(name) === true;
  return Object.fromEntries(
    Object.entries(widths).map(([name, width]) => [name, filled(name) ? widthFor(width, steps) : all[name]]),
  );
}

/**
 * The rows of a step where rows of like length go together: those of so many batches are sorted by length and cut, and the
 * batches come in a random order. Like the order of the rows it follows from the seed and the step alone.
 */
function lengthGroups<R>(
  train: readonly R[],
  rowAt: (index: number) => R,
  { rows: B, groupBatches = 1 }: ObjectiveSettings,
  { ids }: PaddedRows<R>,
  key: Key,
): ((step: number) => R[]) | undefined {
  if (groupBatches === 1) return undefined;
  const lengths = new Map(train.map((row) => [row, ids(row).reduce((sum, list) => sum + list.length, 0)]));
  let made: { group: number; batches: R[][] } = { group: -1, batches: [] };
  return (step) => {
    const group = Math.floor(step / groupBatches);
    if (made.group !== group) {
      const size = B * groupBatches;
      const some = Array.from({ length: size }, (_, i) => rowAt(group * size + i));
      some.sort((a, b) => lengths.get(a)! - lengths.get(b)!); // stable: rows of one length keep their random order
      const order = permutation(foldIn(key, group), groupBatches);
      made = { group, batches: Array.from(order, (at) => some.slice(at * B, (at + 1) * B)) };
    }
    return made.batches[step % groupBatches];
  };
}

function pad<R>(rows: readonly Row[], widths: Readonly<Record<string, number>>, source: PaddedRows<R>): ObjectiveBatch {
  const batch: Record<string, Int32Array | Float32Array> = {};
  for (const [name, width] of Object.entries(widths)) {
    const List = source.floats?.includes(name) ? Float32Array : Int32Array;
    const values = new List(rows.length * width).fill(source.fillers[name] ?? 0);
    rows.forEach((row, i) => values.set(row[name], i * width));
    batch[name] = values;
    const mask = source.masks[name];
    if (mask === undefined) continue;
    const real = new Int32Array(rows.length * width);
    rows.forEach((row, i) => real.fill(1, i * width, i * width + row[name].length));
    batch[mask] = real;
  }
  return batch as unknown as ObjectiveBatch;
}

export function fingerprintOf<R>({ objective, rows, ids }: PaddedRows<R>): string {
  const hash = createHash('sha256').update(objective);
  for (const row of rows) for (const list of ids(row)) hash.update(`${list.length};`).update(Int32Array.from(list));
  return hash.digest('hex');
}

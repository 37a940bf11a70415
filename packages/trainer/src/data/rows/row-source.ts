import { describeValue, tesseraeError } from '@tesserae/registry';
import type { Augmenter } from '../../augmentation/augmenter';
import type { DataRow } from '../files/row-entry';
import { checkOptions, rules } from '../../options';
import { augmentRows } from './augment-rows';
import type { AugmentRowsOptions } from './augment-rows';
import { listRows } from './list-rows';
import { noRows } from './row-errors';
import type { RowCore } from './row-core';
import { shuffleRows } from './shuffle-rows';
import type { ShuffleOptions } from './shuffle-rows';
import { filterRows, mapRows, repeatRows, shareOfRows, skipRows, takeRows } from './transform-rows';
import type { RowPlace } from './transform-rows';

/** The two parts of a source. */
export interface RowSplit<R> {
  readonly train: RowSource<R>;
  readonly validation: RowSource<R>;
}

/**
 * Rows that are read when they are asked for, and can be walked over again and again: what `readRows`, `rowSource` and
 * `mix` give. Every method gives a new source and leaves this one as it is.
 */
export interface RowSource<R = DataRow> extends RowCore<R>, AsyncIterable<R> {
  /** Rows made of rows; `undefined` leaves one out. What is random about it should follow from epoch and index. */
  map<S>(make: (row: R, place: RowPlace) => S | undefined | Promise<S | undefined>): RowSource<S>;
  /** The rows for which a function says so. */
  filter(keep: (row: R, place: RowPlace) => boolean | Promise<boolean>): RowSource<R>;
  /** The rows in a random order, another in every epoch, with a bounded buffer. */
  shuffle(options?: ShuffleOptions): RowSource<R>;
  /** The rows with a share of them changed by augmenters, another share in every epoch. */
  augment(augmenters: Augmenter | readonly Augmenter[], options?: AugmentRowsOptions): RowSource<R>;
  /** The first rows. */
  take(count: number): RowSource<R>;
  /** The rows after the first ones. */
  skip(count: number): RowSource<R>;
  /** The rows so many times, or for ever. */
  repeat(times?: number): RowSource<R>;
  /** Two parts: every so-many-th row is for validation, by its place in the source. */
  split(validationFraction: number): RowSplit<R>;
  /** All rows as a list. @throws E_NO_ROWS when there is none */
  toArray(): Promise<R[]>;
}

/**
 * Makes a source of a list of rows.
 *
 * @param rows what the source gives, in this order
 * @returns the source
 * @throws E_OPTION when it is no list
 *
 * @example
 * ```ts
 * import { rowSource } from '@tesserae/trainer';
 * const numbers = rowSource([1, 2, 3, 4]).filter((n) => n % 2 === 0).map((n) => n * 10);
 * console.log(await numbers.toArray()); // → [ 20, 40 ]
 * ```
 */
export function rowSource<R>(rows: readonly R[]): RowSource<R> {
  if (!Array.isArray(rows))
    throw tesseraeError({
      package: 'trainer',
      plugin: 'rowSource',
      code: 'E_OPTION',
      message: `expected a list of rows, found ${describeValue(rows)}`,
      fix: 'give a list; for files there is readRows',
    });
  return asSource(listRows(rows as readonly R[]));
}

/** Whether a value is a source of rows. */
export function isRowSource(value: unknown): value is RowSource<unknown> {
  const source = value as Partial<RowSource<unknown>> | null;
  return typeof source === 'object' && source !== null && source[BRAND as never] === true;
}

const BRAND: unique symbol = /* @__PURE__ */ Symbol.for('tesserae.row-source') as never;

/** Gives a source its methods. */
export function asSource<R>(core: RowCore<R>): RowSource<R> {
  const source: RowSource<R> = {
    open: (start) => core.open(start),
    fingerprint: () => core.fingerprint(),
    get skipped() {
      return core.skipped;
    },
    description: core.description,
    [Symbol.asyncIterator]: () => iterate(core),
    map: (make) => asSource(mapRows(core, checkFunction('map', make))),
    filter: (keep) => asSource(filterRows(core, checkFunction('filter', keep))),
    shuffle(options = {}) {
      checkOptions<ShuffleOptions>('shuffle', options, {
        buffer: rules.positiveInteger,
        seed: rules.nonNegativeInteger,
      });
      return asSource(shuffleRows(core, options));
    },
    augment(augmenters, options = {}) {
      checkOptions<AugmentRowsOptions>('augment', options, {
        share: { expected: 'a number in [0, 1]', test: (v) => typeof v === 'number' && v >= 0 && v <= 1 },
        seed: rules.nonNegativeInteger,
        column: rules.string,
      });
      return asSource(augmentRows(core, checkAugmenters(augmenters), options));
    },
    take: (count) => asSource(takeRows(core, checkCount('take', count))),
    skip: (count) => asSource(skipRows(core, checkCount('skip', count))),
    repeat: (times) => asSource(repeatRows(core, times === undefined ? undefined : checkCount('repeat', times))),
    split(fraction) {
      if (!(typeof fraction === 'number' && fraction > 0 && fraction < 1))
        throw badArgument('split', `expected a share between 0 and 1, found ${describeValue(fraction)}`);
      return {
        train: asSource(shareOfRows(core, fraction, false)),
        validation: asSource(shareOfRows(core, fraction, true)),
      };
    },
    async toArray() {
      const rows: R[] = [];
      for await (const row of source) rows.push(row);
      if (rows.length === 0) throw noRows('the source', 'check its files, filters and take()');
      return rows;
    },
  };
  Object.defineProperty(source, BRAND, { value: true });
  return source;
}

async function* iterate<R>(core: RowCore<R>): AsyncGenerator<R, void, undefined> {
  const pass = core.open();
  try {
    for (let row = await pass.next(); row !== undefined; row = await pass.next()) yield row;
  } finally {
    await pass.close();
  }
}

const badArgument = (plugin: string, message: string): Error =>
  tesseraeError({ package: 'trainer', plugin, code: 'E_OPTION', message, fix: `see RowSource.${plugin}` });

function checkFunction<F>(plugin: string, value: F): F {
  if (typeof value === 'function') return value;
  throw badArgument(plugin, `expected a function of a row, found ${describeValue(value)}`);
}

function checkCount(plugin: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw badArgument(plugin, `expected a whole number ≥ 0, found ${describeValue(value)}`);
}

function checkAugmenters(given: Augmenter | readonly Augmenter[]): readonly Augmenter[] {
  const list = (Array.isArray(given) ? given : [given]) as readonly Augmenter[];
  if (list.length > 0 && list.every((one) => typeof (one as Partial<Augmenter> | null)?.augment === 'function'))
    return list;
  throw tesseraeError({
    package: 'trainer',
    plugin: 'augment',
    code: 'E_AUGMENTERS',
    message: list.length === 0 ? 'there is no augmenter' : 'something of the list has no augment()',
    fix: 'give a list such as [keyboardSlips(), synonyms()]; mind the parentheses',
  });
}

import { checkOptions, oneOf, rules } from '../../options';
import type { RowFormat } from '../files/formats';
import type { DataRow } from '../files/row-entry';
import type { ColumnOptions } from './columns';
import { fileRows } from './file-rows';
import { asSource } from './row-source';
import type { RowSource } from './row-source';

/** Options of {@link readRows}. */
export interface ReadRowsOptions extends ColumnOptions {
  /** What the files hold, where their names do not say it. */
  readonly format?: RowFormat;
  /** What happens at a row that cannot be read: `throw` E_ROW, or `skip` it and count it in `skipped`: `throw`. */
  readonly unreadable?: 'throw' | 'skip';
  /** CSV: what stands between two fields: `,`, and a tab in `.tsv` files. */
  readonly delimiter?: string;
  /** CSV: `true` when the first line names the columns, or their names: true. */
  readonly header?: true | readonly string[];
  /** Text: what a row is, as in Hugging Face datasets: `line`. */
  readonly sampleBy?: 'line' | 'paragraph' | 'document';
  /** Bytes of a row at most; a longer one cannot be read: 64 MiB. */
  readonly maxRowBytes?: number;
  /** Files in the order in which they are listed, or in another in every epoch: `listed`. */
  readonly fileOrder?: 'listed' | 'shuffled';
  /** Decides the order of the files: 0. */
  readonly seed?: number;
}

/**
 * Reads rows from files: JSON Lines, JSON, CSV, TSV, Parquet and text, packed with gzip or not, without ever holding more
 * than a few rows (of Parquet a group of rows) in memory.
 *
 * Nothing is read before the first row is asked for. `.jsonl` and `.ndjson` hold an object a line, `.json` a list of objects
 * (held in memory) or the same, `.csv` and `.tsv` texts under the columns of the first line, `.txt` rows `{ text }`. Text must
 * be UTF-8, with or without a byte order mark.
 *
 * @param where a file, a folder, a pattern such as `data/*.jsonl.gz`, or a list of them
 * @param options columns, formats, and what happens at a row that cannot be read
 * @returns the source; walking over it throws E_NOT_FOUND, E_NOT_READABLE, E_NO_FILES, E_FILE_FORMAT, E_COLUMN, and E_ROW
 *   with file and line
 * @throws E_OPTION and E_UNKNOWN_OPTION
 *
 * @example
 * ```ts
 * import { writeFileSync } from 'node:fs';
 * import { readRows } from '@tesserae/trainer';
 * writeFileSync('reviews.csv', 'stars,review\n5,"Good, very good"\n1,Bad\n');
 * const rows = readRows('reviews.csv', { columns: { text: 'review', label: 'stars' }, numbers: ['label'] });
 * for await (const row of rows.take(1)) console.log(row); // → { text: 'Good, very good', label: 5 }
 * ```
 */
export function readRows(where: string | readonly string[], options: ReadRowsOptions = {}): RowSource<DataRow> {
  const names = { expected: 'a list of names', test: isNames };
  checkOptions<ReadRowsOptions>('readRows', options, {
    columns: { expected: 'a list of names, or { new: old }', test: (v) => isNames(v) || isRenaming(v) },
    numbers: names,
    format: oneOf('jsonl', 'json', 'csv', 'tsv', 'parquet', 'text'),
    unreadable: oneOf('throw', 'skip'),
    delimiter: {
      expected: 'one character other than a quote',
      test: (v) => typeof v === 'string' && /^[\x01-\x09\x0b\x0c\x0e-\x21\x23-\x7e]$/.test(v),
    },
    header: { expected: 'true, or a list of names', test: (v) => v === true || isNames(v) },
    sampleBy: oneOf('line', 'paragraph', 'document'),
    maxRowBytes: rules.positiveInteger,
    fileOrder: oneOf('listed', 'shuffled'),
    seed: rules.nonNegativeInteger,
  });
  return asSource(
    fileRows(where, {
      columns: options.columns,
      numbers: options.numbers,
      format: options.format,
      unreadable: options.unreadable ?? 'throw',
      delimiter: options.delimiter,
      header: options.header ?? true,
      sampleBy: options.sampleBy ?? 'line',
      maxRowBytes: options.maxRowBytes ?? 2 ** 26,
      fileOrder: options.fileOrder ?? 'listed',
      seed: options.seed ?? 0,
    }),
  );
}

const isNames = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string');

const isRenaming = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.values(value).length > 0 && isNames(Object.values(value));

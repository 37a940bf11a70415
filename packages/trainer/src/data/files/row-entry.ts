import type { Plain } from '../../checkpoints/format';

/** A row of data: values by column. */
export type DataRow = Readonly<Record<string, unknown>>;

/** What a reader found at a place of a file: a row, or why there is none. */
export interface RowEntry {
  readonly row?: DataRow;
  readonly problem?: string;
  /** The line where it begins, counted from 1; for files without lines, the number of the row. */
  readonly line: number;
  /** Where reading goes on after it. */
  readonly next: Plain;
}

/** What the readers of all formats are told. */
export interface ReaderOptions {
  /** Columns that are needed, where not all are. */
  readonly wanted: readonly string[] | undefined;
  readonly delimiter: string | undefined;
  /** CSV: `true` when the first line names the columns, or the names. */
  readonly header: true | readonly string[];
  readonly sampleBy: 'line' | 'paragraph' | 'document';
  readonly maxRowBytes: number;
}

/** Reads a file from a place on; from its beginning without one. */
export type RowReader = (
  file: string,
  options: ReaderOptions,
  place: Plain | undefined,
) => AsyncGenerator<RowEntry, void, undefined>;

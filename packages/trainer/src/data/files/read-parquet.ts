import { badFormat } from './file-errors';
import { rowPlace } from './place';
import { checkWanted } from './read-csv';
import { isCompressed } from './read-bytes';
import type { DataRow, RowReader } from './row-entry';

/**
 * Parquet with `hyparquet`, and `hyparquet-compressors` for what is packed: one group of rows in memory at a time. Whole
 * numbers of 64 bits become numbers where they are exact.
 */
export const readParquet: RowReader = async function* (file, { wanted }, place) {
  if (isCompressed(file)) throw badFormat(file, 'is packed twice', 'unpack it: Parquet is packed inside');
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } = await import('hyparquet');
  const { compressors } = await import('hyparquet-compressors');
  const broken = (cause: unknown): Error =>
    badFormat(file, `cannot be read as Parquet (${(cause as Error).message})`, 'write it again', cause);
  const buffer = await asyncBufferFromFile(file);
  const metadata = await parquetMetadataAsync(buffer).catch((cause: unknown) => {
    throw broken(cause);
  });
  const columns = metadata.schema.length > 0 ? topLevel(metadata.schema) : [];
  checkWanted(file, columns, wanted);
  let row = rowPlace(place);
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    if (row < rowEnd) {
      const options = {
        file: buffer,
        metadata,
        compressors,
        rowStart,
        rowEnd,
        ...(wanted && { columns: [...wanted] }),
      };
      const rows = (await parquetReadObjects(options).catch((cause: unknown) => {
        throw broken(cause);
      })) as DataRow[];
      if (rows.length !== rowEnd - rowStart) throw broken(new Error(`${rows.length} of ${rowEnd - rowStart} rows`));
      for (; row < rowEnd; row++)
        yield { row: plainNumbers(rows[row - rowStart]), line: row + 1, next: { row: row + 1 } };
    }
    rowStart = rowEnd;
  }
};

/** The columns of a schema, which is a tree written as a list. */
function topLevel(schema: readonly { name: string; num_children?: number | undefined }[]): string[] {
  const names: string[] = [];
  let at = 1;
  const pass = (): void => {
    const { num_children: inner = 0 } = schema[at++] ?? {};
    for (let i = 0; i < inner && at < schema.length; i++) pass();
  };
  while (at < schema.length) {
    names.push(schema[at].name);
    pass();
  }
  return names;
}

function plainNumbers(row: DataRow): DataRow {
  const exact = (value: unknown): unknown => {
    if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    return Array.isArray(value) ? value.map(exact) : value;
  };
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, exact(value)]));
}

import type { DataRow } from '../files/row-entry';

/** Which columns rows get. */
export interface ColumnOptions {
  /** The columns to keep, or new names with the old ones: `{ text: 'sentence' }`. All, as they are, when absent. */
  readonly columns?: readonly string[] | Readonly<Record<string, string>> | undefined;
  /** Columns whose texts are numbers, for instance labels of a CSV file. */
  readonly numbers?: readonly string[] | undefined;
}

/** A row with the columns that are wanted, or what is wrong about it. */
export function columnsOf({ columns, numbers = [] }: ColumnOptions): (row: DataRow) => DataRow | string {
  const pairs = columns && (isList(columns) ? columns.map((name) => [name, name] as const) : Object.entries(columns));
  if (pairs === undefined && numbers.length === 0) return (row) => row;
  return (row) => {
    const missing = pairs?.find(([, old]) => !Object.hasOwn(row, old));
    if (missing !== undefined)
      return `it has no column '${missing[1]}', only ${
        Object.keys(row)
          .map((name) => `'${name}'`)
          .join(', ') || 'none'
      }`;
    const made: Record<string, unknown> = pairs
      ? Object.fromEntries(pairs.map(([name, old]) => [name, row[old]]))
      : { ...row };
    for (const name of numbers) {
      const value = made[name];
      const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
      if (typeof number !== 'number' || !Number.isFinite(number))
        return `its column '${name}' is ${JSON.stringify(value) ?? 'missing'}, not a number`;
      made[name] = number;
    }
    return made;
  };
}

/** The columns of the file that are needed. */
export const wantedColumns = ({ columns }: ColumnOptions): readonly string[] | undefined =>
  columns && (isList(columns) ? columns : [...new Set(Object.values(columns))]);

const isList = (columns: unknown): columns is readonly string[] => Array.isArray(columns);

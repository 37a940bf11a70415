import { isUtf8 } from 'node:buffer';
import type Papa from 'papaparse';
import type { Plain } from '../../checkpoints/format';
import { badFormat, noColumn } from './file-errors';
import { linePlace } from './place';
import { readRecords } from './read-records';
import type { Record as CsvRecord } from './read-records';
import type { DataRow, ReaderOptions, RowEntry, RowReader } from './row-entry';

/** Records that go to the parser at a time. */
const BATCH = 256;

/**
 * CSV as RFC 4180 has it, with `papaparse`: fields in quotes may hold delimiters, quotes (doubled) and ends of lines. All
 * values are texts. Empty lines are passed over. A record with more or fewer fields than there are columns is no row.
 */
export const readCsv: RowReader = async function* (file, options, place) {
  const papa = await loadPapa();
  const delimiter = options.delimiter ?? ',';
  const parse = (text: string): Papa.ParseResult<string[]> =>
    papa.parse<string[]>(text, { delimiter, newline: '\n', header: false });
  const header = options.header === true ? await readHeader(file, options, delimiter, parse) : undefined;
  const columns = header?.columns ?? (options.header as readonly string[]);
  checkWanted(file, columns, options.wanted);
  const start = place === undefined && header !== undefined ? header.next : place;
  let batch: CsvRecord[] = [];
  for await (const record of readRecords(file, linePlace(start), delimiter, options.maxRowBytes)) {
    batch.push(record);
    if (batch.length < BATCH) continue;
    yield* rowsOf(batch, columns, parse);
    batch = [];
  }
  yield* rowsOf(batch, columns, parse);
};

type Parse = (text: string) => Papa.ParseResult<string[]>;

async function loadPapa(): Promise<typeof Papa> {
  const found = (await import('papaparse')) as unknown as { default: typeof Papa };
  return found.default;
}

async function readHeader(
  file: string,
  { maxRowBytes }: ReaderOptions,
  delimiter: string,
  parse: Parse,
): Promise<{ columns: readonly string[]; next: Plain }> {
  for await (const record of readRecords(file, { offset: 0, lines: 0 }, delimiter, maxRowBytes)) {
    if (record.bytes.length === 0 && record.problem === undefined) continue;
    const fields = record.problem === undefined && isUtf8(record.bytes) ? parseOne(record, parse) : record.problem;
    if (!Array.isArray(fields)) throw badFormat(file, `has no header line (${String(fields)})`, headerFix);
    const columns = fields.map((name: string) => name.trim());
    const twice = columns.find((name, i) => columns.indexOf(name) !== i);
    if (twice !== undefined) throw badFormat(file, `has two columns '${twice}'`, 'rename one of them');
    return { columns, next: record.next };
  }
  throw badFormat(file, 'is empty: it has no header line', headerFix);
}

const headerFix = 'let the first line name the columns, or give their names as header';

/** @throws E_COLUMN */
export function checkWanted(file: string, columns: readonly string[], wanted: readonly string[] | undefined): void {
  const missing = wanted?.find((name) => !columns.includes(name));
  if (missing !== undefined) throw noColumn(file, missing, columns);
}

function* rowsOf(batch: readonly CsvRecord[], columns: readonly string[], parse: Parse): Generator<RowEntry> {
  const plain = batch.filter(({ bytes, problem }) => problem === undefined && bytes.length > 0 && isUtf8(bytes));
  const { data, errors } = parse(plain.map(({ bytes }) => bytes.toString('utf8')).join('\n'));
  const together = errors.length === 0 && data.length === plain.length; // one record each: no need to look singly
  let at = 0;
  for (const record of batch) {
    const { line, next } = record;
    if (record.bytes.length === 0 && record.problem === undefined) continue;
    if (record !== plain[at]) {
      yield { problem: record.problem ?? 'it is not valid UTF-8', line, next };
      continue;
    }
    const fields = together ? data[at] : parseOne(record, parse);
    at++;
    yield { ...toRow(fields, columns), line, next };
  }
}

/** The fields of one record, or why it has none. */
function parseOne({ bytes }: CsvRecord, parse: Parse): string[] | string {
  const { data, errors } = parse(bytes.toString('utf8'));
  if (errors.length > 0) return errors[0].message.toLowerCase();
  return data.length === 1 ? data[0] : `it is ${data.length} records`;
}

function toRow(fields: readonly string[] | string, columns: readonly string[]): { row: DataRow } | { problem: string } {
  if (typeof fields === 'string') return { problem: fields };
  if (fields.length !== columns.length)
    return { problem: `it has ${fields.length} fields for ${columns.length} columns` };
  return { row: Object.fromEntries(columns.map((name, i) => [name, fields[i]])) };
}

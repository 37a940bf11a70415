import { stat } from 'node:fs/promises';
import { createKey, foldIn, permutation } from '@tesserae/core';
import type { Plain } from '../../checkpoints/format';
import { contentHash } from '../files/content-hash';
import { findFiles } from '../files/find-files';
import { badFormat, unreadableFile } from '../files/file-errors';
import { formatOf } from '../files/formats';
import type { RowFormat } from '../files/formats';
import { readCsv } from '../files/read-csv';
import { readJson } from '../files/read-json';
import { readJsonLines } from '../files/read-json-lines';
import { readParquet } from '../files/read-parquet';
import { readText } from '../files/read-text';
import type { DataRow, ReaderOptions, RowEntry, RowReader } from '../files/row-entry';
import { columnsOf, wantedColumns } from './columns';
import type { ColumnOptions } from './columns';
import { badState, dataChanged, unreadableRow } from './row-errors';
import { hashOf, stateOf } from './row-core';
import type { RowCore, RowPass, SkippedRow, SourceDescription } from './row-core';
import { setOrigin } from './row-origins';

/** How rows are read from files, with every default filled in. */
export interface FileRowsSettings extends Omit<ReaderOptions, 'wanted'>, ColumnOptions {
  readonly format: RowFormat | undefined;
  readonly unreadable: 'throw' | 'skip';
  readonly fileOrder: 'listed' | 'shuffled';
  readonly seed: number;
}

const readers: Readonly<Record<RowFormat, RowReader>> = {
  jsonl: readJsonLines,
  json: readJson,
  csv: readCsv,
  tsv: (file, options, place) => readCsv(file, { ...options, delimiter: options.delimiter ?? '\t' }, place),
  parquet: readParquet,
  text: readText,
};

interface FilesState {
  readonly kind: 'files';
  /** The file that is being read, by its number in the order of the epoch. */
  readonly file: number;
  /** Its bytes, to notice when it is another one. */
  readonly bytes: number;
  readonly place: Plain;
  readonly skipped: number;
}

/** The rows of files, one file after the other. */
export function fileRows(where: string | readonly string[], settings: FileRowsSettings): RowCore<DataRow> {
  const skipped: { count: number; examples: SkippedRow[] } = { count: 0, examples: [] };
  let known: Promise<string[]> | undefined;
  const files = (): Promise<string[]> => (known ??= findFiles(where));
  const plainSettings = JSON.parse(JSON.stringify(settings)) as SourceDescription;
  return {
    skipped,
    description: { kind: 'files', where: where as Plain, settings: plainSettings },
    async fingerprint() {
      const hashes: string[] = [];
      for (const file of await files()) hashes.push(await contentHash(file));
      return hashOf('files', JSON.stringify(plainSettings), ...hashes);
    },
    open({ epoch = 0, state } = {}) {
      const from = state === undefined ? undefined : stateOf<FilesState>('files', state, ['file', 'bytes', 'skipped']);
      if (epoch === 0) [skipped.count, skipped.examples.length] = [0, 0]; // later epochs pass over the same rows again
      return walkFiles(files, settings, epoch, from, skipped);
    },
  };
}

/** One walk through files. */
function walkFiles(
  list: () => Promise<string[]>,
  settings: FileRowsSettings,
  epoch: number,
  from: FilesState | undefined,
  skipped: { count: number; examples: SkippedRow[] },
): RowPass<DataRow> {
  const columns = columnsOf(settings);
  let at = from?.file ?? 0;
  let place: Plain | undefined = from?.place ?? undefined;
  let bytes = from?.bytes ?? 0;
  let entries: AsyncGenerator<RowEntry> | undefined;
  let files: string[] | undefined;
  let ended = false;
  let passedOver = from?.skipped ?? 0;
  skipped.count = Math.max(skipped.count, passedOver);

  const close = async (): Promise<void> => {
    ended = true;
    await entries?.return(undefined);
    entries = undefined;
  };
  const openFile = async (file: string): Promise<AsyncGenerator<RowEntry>> => {
    const size = await sizeOf(file);
    if (place !== undefined && size !== bytes)
      throw dataChanged(file, `it has ${size} bytes, and had ${bytes}`, { file });
    bytes = size;
    return readerOf(file, settings)(file, { ...settings, wanted: wantedColumns(settings) }, place);
  };
  const passOver = async (file: string, line: number, reason: string): Promise<void> => {
    if (settings.unreadable === 'throw') {
      await close();
      throw unreadableRow(file, line, reason);
    }
    passedOver++;
    if (passedOver > skipped.count && skipped.examples.length < 10) skipped.examples.push({ file, line, reason });
    skipped.count = Math.max(skipped.count, passedOver);
  };

  return {
    async next() {
      files ??= inOrder(await list(), settings, epoch);
      if (at > files.length) throw badState(`it is in file ${at} of ${files.length}`);
      while (!ended && at < files.length) {
        entries ??= await openFile(files[at]);
        const { value } = await entries.next();
        if (value === undefined) {
          [entries, place, bytes] = [undefined, undefined, 0];
          at++;
          continue;
        }
        place = value.next;
        const row = value.row === undefined ? (value.problem ?? 'it is empty') : columns(value.row);
        if (typeof row !== 'string') {
          setOrigin(row, files[at], value.line);
          return row;
        }
        await passOver(files[at], value.line, row);
      }
      return undefined;
    },
    state: () => ({ kind: 'files', file: at, bytes, place: place ?? null, skipped: passedOver }),
    close,
  };
}

function inOrder(files: string[], { fileOrder, seed }: FileRowsSettings, epoch: number): string[] {
  if (fileOrder === 'listed') return files;
  return Array.from(permutation(foldIn(createKey(seed), epoch), files.length), (i) => files[i]);
}

function readerOf(file: string, { format = formatOf(file) }: FileRowsSettings): RowReader {
  if (format !== undefined) return readers[format];
  throw badFormat(file, 'is of an unknown kind', `give format: 'jsonl', 'json', 'csv', 'tsv', 'parquet' or 'text'`);
}

const sizeOf = async (file: string): Promise<number> => {
  const { size } = await stat(file).catch((error: unknown) => {
    throw unreadableFile(file, error);
  });
  return size;
};

import path from 'node:path';
import { tesseraeError } from '@tesserae/registry';
import { findFiles } from '../files/find-files';
import type { DataRow } from '../files/row-entry';
import { readRows } from './read-rows';
import type { ReadRowsOptions } from './read-rows';
import type { RowSource } from './row-source';

/** The parts of a data set that its file names tell apart. */
export interface RowSplits<R = DataRow> {
  readonly train: RowSource<R>;
  readonly validation?: RowSource<R>;
  readonly test?: RowSource<R>;
}

type SplitName = keyof RowSplits;

const words: Readonly<Record<SplitName, readonly string[]>> = {
  train: ['train', 'training'],
  validation: ['validation', 'valid', 'val', 'dev'],
  test: ['test', 'testing', 'eval', 'evaluation'],
};

/**
 * Reads the splits of a data set: files belong to the one that their name or the name of their folder says, as
 * `train-00000-of-00003.parquet`, `dev.jsonl` or `test/part.csv` do. Where no name says anything all files are for training.
 *
 * @param where a folder, a pattern or a list of files
 * @param options as of `readRows`
 * @returns a source for each split that there is
 * @throws E_SPLIT when some names say a split and none says `train`; E_NO_FILES, E_NOT_FOUND, E_OPTION, E_UNKNOWN_OPTION
 *
 * @example
 * ```ts
 * import { mkdirSync, writeFileSync } from 'node:fs';
 * import { readSplits } from '@tesserae/trainer';
 * mkdirSync('set');
 * for (const name of ['train', 'test']) writeFileSync(`set/${name}.jsonl`, JSON.stringify({ text: name }));
 * const { train, test } = await readSplits('set');
 * console.log(await train.toArray(), await test!.toArray()); // → [ { text: 'train' } ] [ { text: 'test' } ]
 * ```
 */
export async function readSplits(where: string | readonly string[], options: ReadRowsOptions = {}): Promise<RowSplits> {
  const files = await findFiles(where);
  const parts: Record<SplitName, string[]> = { train: [], validation: [], test: [] };
  const others: string[] = [];
  for (const file of files) {
    const split = splitOf(file);
    if (split === undefined) others.push(file);
    else parts[split].push(file);
  }
  const named = files.length > others.length;
  const train = named ? parts.train : others;
  if (train.length === 0)
    throw tesseraeError({
      package: 'trainer',
      plugin: 'readSplits',
      code: 'E_SPLIT',
      message: `none of ${files.length} files is for training: ${files.slice(0, 5).join(', ')}`,
      fix: `name one of them train, or read it with readRows`,
      details: { files },
    });
  return {
    train: readRows(train, options),
    ...(parts.validation.length > 0 && { validation: readRows(parts.validation, options) }),
    ...(parts.test.length > 0 && { test: readRows(parts.test, options) }),
  };
}

/** The split that the last telling part of a path names. */
function splitOf(file: string): SplitName | undefined {
  for (const part of file.split(/[\\/]/).reverse().slice(0, 2)) {
    const found = path
      .basename(part)
      .toLowerCase()
      .split(/[^a-z]+/);
    for (const [split, names] of Object.entries(words))
      if (found.some((word) => names.includes(word))) return split as SplitName;
  }
  return undefined;
}

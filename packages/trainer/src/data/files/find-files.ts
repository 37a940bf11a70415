import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { describeValue, tesseraeError } from '@tesserae/registry';
import { noFiles, unreadableFile } from './file-errors';
import { formatOf } from './formats';

const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * The files that a path, a folder, a pattern or a list of them stands for: a list in its order, folders and patterns by name.
 * Of a folder only files of a known kind are taken, those of its folders too; names that begin with `.` or `_` are left out.
 *
 * @throws E_OPTION, E_NOT_FOUND, E_NOT_READABLE; E_NO_FILES when nothing is found
 */
export async function findFiles(where: string | readonly string[]): Promise<string[]> {
  const places: readonly unknown[] = Array.isArray(where) ? where : [where];
  const found: string[] = [];
  for (const place of places) {
    if (typeof place !== 'string' || place === '' || place.includes('\0'))
      throw tesseraeError({
        package: 'trainer',
        plugin: 'readRows',
        code: 'E_OPTION',
        message: `expected the path of a file or folder, found ${describeValue(place)}`,
        fix: 'give a path, a pattern such as data/*.jsonl, or a list of them',
      });
    found.push(...(await filesOf(place)));
  }
  if (found.length === 0) throw noFiles('the list', 'give at least one path');
  return found;
}

async function filesOf(place: string): Promise<string[]> {
  const info = await stat(place).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && /[*?[{]/.test(place)) return undefined;
    throw unreadableFile(place, error);
  });
  if (info === undefined) return matching(place);
  if (!info.isDirectory()) return [place];
  const names = await readdir(place, { recursive: true }).catch((error: unknown) => {
    throw unreadableFile(place, error);
  });
  const files: string[] = [];
  for (const name of names.sort(byName)) {
    if (name.split(path.sep).some((part) => /^[._]/.test(part)) || formatOf(name) === undefined) continue;
    const file = path.join(place, name);
    if ((await stat(file)).isFile()) files.push(file);
  }
  if (files.length > 0) return files;
  throw noFiles(`the folder ${place}`, 'put .jsonl, .csv, .tsv, .parquet or .txt files (or their .gz) there');
}

async function matching(pattern: string): Promise<string[]> {
  const { glob } = await import('tinyglobby');
  const found = await glob(pattern.replaceAll('\\', '/'), { expandDirectories: false });
  const files = found.filter((file) => !path.basename(file).startsWith('_') || path.basename(pattern).startsWith('_'));
  if (files.length > 0) return files.sort(byName);
  throw noFiles(`the pattern ${pattern}`, 'check it against the names of the files');
}

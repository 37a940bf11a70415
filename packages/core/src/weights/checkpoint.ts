import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { tesseraeError } from '@tesserae/registry';
import { readError } from './file-errors';
import { checkInsideFolder } from './inside-folder';
import { openSafetensors, unknownTensor } from './safetensors-read';
import type { SafetensorsFile } from './safetensors-read';
import type { SafetensorsEntry, SafetensorsTensor } from './safetensors-types';
import { parseStrictJson } from './strict-json';

/** The weights of a folder, in one file or in shards. */
export interface Checkpoint {
  /** By name. */
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  /** The files, relative to the folder. */
  readonly files: readonly string[];
  /** Metadata of the first file. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Reads one tensor; 16-bit floats are widened to float32. */
  read(name: string): Promise<SafetensorsTensor>;
  close(): Promise<void>;
}

export const SINGLE_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';
const MAX_INDEX_BYTES = 100_000_000;
const MAX_INDEX_VALUES = 2 ** 20;

/**
 * Checks that a file name from a file stays inside its folder.
 *
 * @param name a relative path, as an index or a config gives it
 * @param where what gave it, for the message
 * @returns the name
 * @throws E_PATH_ESCAPE when the name is absolute, climbs with `..`, or holds a NUL or a backslash
 * @example
 * ```ts
 * import { checkRelativePath } from '@tesserae/core';
 * console.log(checkRelativePath('model-00001-of-00002.safetensors', 'the index')); // → model-00001-of-00002.safetensors
 * ```
 */
export function checkRelativePath(name: unknown, where: string): string {
  const parts = typeof name === 'string' ? name.split('/') : [];
  const bad = parts.length === 0 || parts.some((part) => part === '' || part === '.' || part === '..');
  if (typeof name !== 'string' || bad || /[\0\\]/.test(name) || /^[A-Za-z]:/.test(name)) {
    throw tesseraeError({
      package: 'core',
      code: 'E_PATH_ESCAPE',
      message: `${where} names the file ${JSON.stringify(name)}, which is no plain path inside its folder`,
      fix: 'do not use this folder unless you trust where it came from',
    });
  }
  return name;
}

const indexError = (message: string): never => {
  throw tesseraeError({
    package: 'core',
    code: 'E_SHARD_INDEX',
    message,
    fix: `check that ${INDEX_FILE} and all its shards were downloaded from one place`,
  });
};

/**
 * Reads the index of a sharded checkpoint, `model.safetensors.index.json`.
 *
 * @param file the path of the index
 * @returns by the name of each tensor the file that holds it, a plain path inside the folder of the index
 * @throws E_NOT_FOUND, E_NOT_READABLE, E_JSON, E_SHARD_INDEX for an index that is none or larger than 100 MB; E_PATH_ESCAPE
 *   for a file name that leaves the folder
 * @example
 * ```ts
 * import { mkdtempSync, writeFileSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import path from 'node:path';
 * import { readShardIndex } from '@tesserae/core';
 * const file = path.join(mkdtempSync(path.join(tmpdir(), 'example-')), 'model.safetensors.index.json');
 * writeFileSync(file, '{"metadata": {"total_size": 8}, "weight_map": {"w": "model-00001-of-00001.safetensors"}}');
 * console.log([...(await readShardIndex(file)).values()]); // → [ 'model-00001-of-00001.safetensors' ]
 * ```
 */
export async function readShardIndex(file: string): Promise<Map<string, string>> {
  const { size } = await stat(file).catch((error: unknown) => {
    throw readError(error, file);
  });
  if (size > MAX_INDEX_BYTES) indexError(`${file} has ${size} bytes, more than ${MAX_INDEX_BYTES} allowed`);
  const bytes = await readFile(file).catch((error: unknown) => {
    throw readError(error, file);
  });
  const value = parseStrictJson(bytes, { what: file, maxDepth: 8, maxValues: MAX_INDEX_VALUES }) as {
    weight_map?: unknown;
  } | null;
  const map = typeof value === 'object' && value !== null ? value.weight_map : undefined;
  if (typeof map !== 'object' || map === null || Array.isArray(map)) return indexError(`${file} has no weight_map`);
  return new Map(Object.entries(map).map(([name, shard]) => [name, checkRelativePath(shard, file)]));
}

async function openShards(folder: string, files: readonly string[]): Promise<SafetensorsFile[]> {
  const opened: SafetensorsFile[] = [];
  try {
    for (const file of files) {
      if (file !== SINGLE_FILE) await checkInsideFolder(folder, file); // the index chose the name, not we
      opened.push(await openSafetensors(path.join(folder, file)));
    }
    return opened;
  } catch (error) {
    for (const file of opened) await file.close();
    throw error;
  }
}

/** Which shard each tensor is read from: the index decides; a tensor that it leaves out is taken where it stands. */
function assign(
  files: readonly string[],
  shards: readonly SafetensorsFile[],
  index: ReadonlyMap<string, string>,
): Map<string, SafetensorsFile> {
  const home = new Map<string, SafetensorsFile>();
  for (const [name, file] of index) {
    const shard = shards[files.indexOf(file)];
    if (!shard.entries.has(name)) indexError(`the index says that ${JSON.stringify(name)} is in ${file}; it is not`);
    home.set(name, shard);
  }
  shards.forEach((shard, i) => {
    for (const name of shard.entries.keys()) {
      const known = home.get(name);
      if (known === undefined) home.set(name, shard);
      else if (known !== shard && !index.has(name)) {
        indexError(`${JSON.stringify(name)} stands in two shards, one of them ${files[i]}`);
      }
    }
  });
  return home;
}

/**
 * Opens the weights of a Hugging Face folder: `model.safetensors`, or the shards that `model.safetensors.index.json` lists.
 *
 * @param folder the folder
 * @returns the open checkpoint; close it when done
 * @throws E_NOT_FOUND when the folder holds neither; E_SHARD_INDEX, E_PATH_ESCAPE, E_JSON for an index that is damaged or
 *   hostile; the E_SAFETENSORS_* codes of {@link openSafetensors}
 * @example
 * ```ts
 * import { mkdtempSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import path from 'node:path';
 * import { openCheckpoint, writeSafetensors } from '@tesserae/core';
 * const folder = mkdtempSync(path.join(tmpdir(), 'example-'));
 * await writeSafetensors(path.join(folder, 'model.safetensors'), [
 *   { name: 'w', dtype: 'F32', shape: [2], data: new Float32Array([1, 2]) },
 * ]);
 * const checkpoint = await openCheckpoint(folder);
 * console.log([...checkpoint.entries.keys()]); // → [ 'w' ]
 * await checkpoint.close();
 * ```
 */
export async function openCheckpoint(folder: string): Promise<Checkpoint> {
  const present = async (name: string): Promise<boolean> =>
    stat(path.join(folder, name)).then(
      (found) => found.isFile(),
      () => false,
    );
  const single = await present(SINGLE_FILE);
  if (!single && !(await present(INDEX_FILE))) {
    throw tesseraeError({
      package: 'core',
      code: 'E_NOT_FOUND',
      message: `${folder} holds neither ${SINGLE_FILE} nor ${INDEX_FILE}`,
      fix: 'give the folder of a Hugging Face checkpoint in safetensors form (pickled .bin files are not read)',
    });
  }
  const index = single ? new Map<string, string>() : await readShardIndex(path.join(folder, INDEX_FILE));
  const files = single ? [SINGLE_FILE] : [...new Set(index.values())];
  if (files.length === 0) indexError(`${INDEX_FILE} in ${folder} lists no tensor`);
  const shards = await openShards(folder, files);
  const close = async (): Promise<void> => {
    for (const shard of shards) await shard.close();
  };
  try {
    const home = assign(files, shards, index);
    const entries = new Map([...home].map(([name, shard]) => [name, shard.entries.get(name)!]));
    return {
      entries,
      files,
      metadata: shards[0].metadata,
      read: async (name) => (home.get(name) ?? unknownTensor(folder, name, entries)).read(name),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

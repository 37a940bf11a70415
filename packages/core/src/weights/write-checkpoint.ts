import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { tesseraeError } from '@tesserae/registry';
import { atomicWrite } from './atomic-write';
import type { AtomicFile } from './atomic-write';
import { checkRelativePath, INDEX_FILE, SINGLE_FILE } from './checkpoint';
import { elementBytes } from './safetensors-types';
import { planTensors, writeTensors } from './safetensors-write';
import type { SafetensorsInput } from './safetensors-write';

/** How a checkpoint is written. */
export interface WriteCheckpointOptions {
  /** Bytes of tensors that one file may hold; more goes into shards. 5 GB (5e9) when absent. */
  readonly maxShardBytes?: number | undefined;
  /** Texts for the header of each file; `{ format: 'pt' }` when absent. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Files that belong to the checkpoint, by name in the folder: they appear together with the weights or not at all. */
  readonly beside?: Readonly<Record<string, Uint8Array>> | undefined;
  /** What the index gives as the number of parameters; the elements of all tensors when absent. */
  readonly totalParameters?: number | undefined;
}

interface FileToWrite {
  readonly file: string;
  write(out: AtomicFile): Promise<void>;
}

const SHARD = /^model-\d{5}-of-\d{5}\.safetensors$/;
const MOST_SHARDS = 99_999;

const elementsOf = ({ shape }: SafetensorsInput): number => shape.reduce((a, b) => a * b, 1);
const bytesOf = (tensor: SafetensorsInput): number => elementsOf(tensor) * elementBytes[tensor.dtype];

/**
 * Splits tensors into shards as Hugging Face's `split_state_dict_into_shards` does: in order, a new shard when the next
 * tensor does not fit, a shard of its own for one that is larger than the limit.
 */
function splitIntoShards(tensors: readonly SafetensorsInput[], maxShardBytes: number): SafetensorsInput[][] {
  const shards: SafetensorsInput[][] = [];
  let open: SafetensorsInput[] = [];
  let openBytes = 0;
  for (const tensor of tensors) {
    const bytes = bytesOf(tensor);
    if (bytes > maxShardBytes) {
      shards.push([tensor]);
      continue;
    }
    if (openBytes + bytes > maxShardBytes) {
      shards.push(open);
      [open, openBytes] = [[], 0];
    }
    open.push(tensor);
    openBytes += bytes;
  }
  if (open.length > 0 || shards.length === 0) shards.push(open);
  return shards;
}

/** The index in Hugging Face's form: names sorted, two spaces, a line feed at the end. */
function indexOf(
  shards: readonly (readonly SafetensorsInput[])[],
  names: readonly string[],
  totalParameters: number | undefined,
): Uint8Array {
  const all = shards.flat();
  const home = new Map(shards.flatMap((shard, i) => shard.map(({ name }) => [name, names[i]] as const)));
  const sum = (of: (tensor: SafetensorsInput) => number): number =>
    all.reduce((total, tensor) => total + of(tensor), 0);
  const sorted = [...home.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  // written by hand, because an object would move names that look like numbers to the front
  const lines = sorted.map((name) => `    ${JSON.stringify(name)}: ${JSON.stringify(home.get(name))}`);
  const metadata = [
    `    "total_parameters": ${totalParameters ?? sum(elementsOf)}`,
    `    "total_size": ${sum(bytesOf)}`,
  ];
  const text = `{\n  "metadata": {\n${metadata.join(',\n')}\n  },\n  "weight_map": {\n${lines.join(',\n')}\n  }\n}\n`;
  return new TextEncoder().encode(text);
}

/** All files or none: the last to be named is complete on the disk before the first gets its name. */
async function writeTogether(files: readonly FileToWrite[], at = 0): Promise<void> {
  if (at === files.length) return;
  await atomicWrite(files[at].file, async (out) => {
    await files[at].write(out);
    await writeTogether(files, at + 1);
  });
}

/** Removes the weights of an earlier checkpoint, which a reader would take for these. */
async function removeOthers(folder: string, kept: readonly string[]): Promise<void> {
  for (const name of await readdir(folder)) {
    const weights = name === SINGLE_FILE || name === INDEX_FILE || SHARD.test(name);
    if (weights && !kept.includes(name)) await rm(path.join(folder, name), { force: true });
  }
}

function checkMaxShardBytes(bytes: number): void {
  if (Number.isSafeInteger(bytes) && bytes > 0) return;
  throw tesseraeError({
    package: 'core',
    code: 'E_SHARD_SIZE',
    message: `maxShardBytes is ${JSON.stringify(bytes) ?? String(bytes)}`,
    fix: 'give a whole number of bytes, such as 5e9',
  });
}

/**
 * Writes the weights of a Hugging Face folder: `model.safetensors`, or shards `model-00001-of-00003.safetensors` … with
 * `model.safetensors.index.json` when they are more than `maxShardBytes`. Tensors are taken one at a time. Everything
 * appears together: until the last byte is on the disk, a reader finds the checkpoint that was there before. Weight files
 * of that earlier checkpoint that are not overwritten are removed at the end.
 *
 * @param folder the folder; made when it does not exist
 * @param tensors what to write, in the order in which shards are filled
 * @param options the largest shard, metadata, files to write beside
 * @returns the names of the weight files, in order
 * @throws E_SHARD_SIZE; E_PATH_ESCAPE for a name beside; the codes of `writeSafetensors`
 * @see https://huggingface.co/docs/huggingface_hub/package_reference/serialization
 * @example
 * ```ts
 * import { mkdtempSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import path from 'node:path';
 * import { writeCheckpoint } from '@tesserae/core';
 * const folder = mkdtempSync(path.join(tmpdir(), 'example-'));
 * const tensor = (name: string) => ({ name, dtype: 'F32', shape: [2], data: new Float32Array(2) }) as const;
 * console.log(await writeCheckpoint(folder, [tensor('a'), tensor('b')], { maxShardBytes: 8 }));
 * // → [ 'model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors' ]
 * ```
 */
export async function writeCheckpoint(
  folder: string,
  tensors: Iterable<SafetensorsInput>,
  options: WriteCheckpointOptions = {},
): Promise<string[]> {
  const { maxShardBytes = 5e9, metadata = { format: 'pt' }, beside = {}, totalParameters } = options;
  checkMaxShardBytes(maxShardBytes);
  const all = [...tensors];
  planTensors(all); // names, types and shapes are checked over all shards before the first is opened
  const shards = splitIntoShards(all, maxShardBytes);
  if (shards.length > MOST_SHARDS) checkMaxShardBytes(Number.NaN);
  const number = (n: number): string => String(n).padStart(5, '0');
  const names =
    shards.length === 1
      ? [SINGLE_FILE]
      : shards.map((_, i) => `model-${number(i + 1)}-of-${number(shards.length)}.safetensors`);
  const small = { ...beside, ...(shards.length > 1 && { [INDEX_FILE]: indexOf(shards, names, totalParameters) }) };
  const files: FileToWrite[] = Object.entries(small).map(([name, bytes]) => ({
    file: path.join(folder, checkRelativePath(name, 'the checkpoint to write')),
    write: (out) => out.write(bytes),
  }));
  files.push(
    ...shards.map((shard, i): FileToWrite => ({
      file: path.join(folder, names[i]),
      write: (out) => writeTensors(shard, metadata, (bytes) => out.write(bytes)),
    })),
  );
  await writeTogether(files);
  await removeOthers(folder, shards.length > 1 ? [...names, INDEX_FILE] : names);
  return names;
}

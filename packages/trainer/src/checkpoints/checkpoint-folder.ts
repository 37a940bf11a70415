import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { atomicWrite } from '@tesserae/core';
import { isTesseraeError, tesseraeError } from '@tesserae/registry';
import { checkpointName, stepOfName } from './format';
import { isComplete, readCheckpoint } from './read-checkpoint';
import type { LoadedCheckpoint } from './read-checkpoint';

/** One checkpoint folder, found by its name. */
export interface FoundCheckpoint {
  readonly step: number;
  readonly folder: string;
  /** Whether the file that is written last is there. */
  readonly complete: boolean;
}

/**
 * Lists the checkpoints in a folder, newest first.
 *
 * @param folder where a run keeps its checkpoints; it may be absent
 * @returns step, path and whether it was completed, for each
 *
 * @example
 * ```ts
 * import { listCheckpoints } from '@tesserae/trainer';
 * console.log(await listCheckpoints('/no/such/run')); // → []
 * ```
 */
export async function listCheckpoints(folder: string): Promise<FoundCheckpoint[]> {
  const names = await readdir(folder).catch(() => [] as string[]);
  const found: FoundCheckpoint[] = [];
  for (const name of names) {
    const step = stepOfName(name);
    if (step === undefined) continue;
    const full = path.join(folder, name);
    found.push({ step, folder: full, complete: await isComplete(full) });
  }
  return found.sort((a, b) => b.step - a.step);
}

/**
 * The newest checkpoint that is whole; damaged ones before it are reported and passed over.
 *
 * @returns undefined when there is none at all
 * @throws E_CHECKPOINT_TRUNCATED when there are checkpoints and all are damaged
 */
export async function readNewest(
  folder: string,
  onDamaged: (error: Error) => void,
): Promise<LoadedCheckpoint | undefined> {
  let newestError: unknown;
  for (const found of await listCheckpoints(folder)) {
    try {
      return await readCheckpoint(found.folder);
    } catch (error) {
      if (!isTesseraeError(error, 'E_CHECKPOINT_TRUNCATED')) throw error;
      newestError ??= error;
      onDamaged(error);
    }
  }
  if (newestError !== undefined) throw newestError;
  return undefined;
}

/**
 * Makes sure before the first step that checkpoints can be written here, and that none of an earlier run are in the way.
 *
 * @throws E_NOT_WRITABLE, E_DISK_FULL, E_CHECKPOINT_EXISTS
 */
export async function prepareFolder(folder: string, starting: boolean, overwrite: boolean): Promise<void> {
  const probe = path.join(folder, '.probe');
  await atomicWrite(probe, (out) => out.write(new Uint8Array(1)));
  await rm(probe, { force: true });
  await sweepRemoved(folder);
  if (!starting) return;
  const found = await listCheckpoints(folder);
  if (found.length > 0 && !overwrite) {
    throw tesseraeError({
      package: 'trainer',
      code: 'E_CHECKPOINT_EXISTS',
      message: `${folder} already holds ${found.length} checkpoint${found.length > 1 ? 's' : ''}, the newest after step ${found[0].step}`,
      fix: 'pass resume: true to continue that run, checkpoint.overwrite: true to remove it, or another folder',
      details: { folder, steps: found.map(({ step }) => step) },
    });
  }
  for (const { folder: old } of found) await removeCheckpoint(old);
}

/**
 * Removes the checkpoints that are no longer wanted: all but the newest `keep` and the `protect`ed ones, among the complete
 * ones up to the present step, and those of steps that were taken back. Damaged ones count for nothing.
 */
export async function pruneCheckpoints(
  folder: string,
  {
    step,
    keep,
    protect,
    takenBack,
    damaged,
  }: {
    step: number;
    keep: number;
    /** Steps of the best evaluations. */
    protect: ReadonlySet<number>;
    /** Up to which step the run had come before it went back, if it did. */
    takenBack: number;
    damaged: ReadonlySet<string>;
  },
): Promise<void> {
  const all = (await listCheckpoints(folder)).filter((one) => one.complete && !damaged.has(one.folder));
  const found = all.filter((one) => one.step <= step);
  for (const { folder: old, step: made } of found.slice(keep)) if (!protect.has(made)) await removeCheckpoint(old);
  for (const { folder: old, step: made } of all) if (made > step && made <= takenBack) await removeCheckpoint(old);
}

const REMOVED = '.removed-';

/** Takes the name away first, so that a half-removed folder is never mistaken for a checkpoint. */
async function removeCheckpoint(folder: string): Promise<void> {
  const gone = path.join(path.dirname(folder), `${REMOVED}${path.basename(folder)}`);
  await rm(gone, { recursive: true, force: true });
  await rename(folder, gone);
  await rm(gone, { recursive: true, force: true });
}

async function sweepRemoved(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) {
    if (name.startsWith(`${REMOVED}step-`)) await rm(path.join(folder, name), { recursive: true, force: true });
  }
}

/** Where the checkpoint after a step goes. */
export const checkpointPath = (folder: string, step: number): string => path.join(folder, checkpointName(step));

import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { checkRelativePath, readSafetensors } from '@tesserae/core';
import type { SafetensorsTensor } from '@tesserae/core';
import { isTesseraeError, tesseraeError } from '@tesserae/registry';
import type { EvaluationRecord, StepRecord } from '../loop/history';
import type { KeptState } from '../loop/kept-states';
import { foreignCheckpoint, truncatedCheckpoint } from './checkpoint-errors';
import { CHECKPOINT_FORMAT, CHECKPOINT_VERSION, checkpointFiles } from './format';
import type { FileDigest, TrainerState } from './format';
import { digestOf } from './write-checkpoint';

/** A checkpoint in memory, as plain arrays. */
export interface LoadedCheckpoint {
  readonly folder: string;
  readonly state: TrainerState;
  /** By the name in the checkpoint. */
  readonly parameters: ReadonlyMap<string, SafetensorsTensor>;
  /** By slot. */
  readonly optimizerState: Readonly<Record<string, readonly SafetensorsTensor[]>>;
  /** States that the run may go back to, other than this one; oldest first. */
  readonly kept: readonly KeptState[];
}

const JSON_BYTES = 2 ** 28;

/**
 * Reads a checkpoint after making sure that every byte is the one that was written.
 *
 * @throws E_NOT_FOUND when there is no such folder, E_CHECKPOINT_TRUNCATED when files are missing or changed,
 *   E_CHECKPOINT_FOREIGN when it was not written by this trainer or by a newer one
 */
export async function readCheckpoint(folder: string): Promise<LoadedCheckpoint> {
  await checkMarker(folder);
  const state = readState(folder, await readJson(folder, checkpointFiles.state));
  const { tensors: parameters } = await readTensors(folder, checkpointFiles.parameters);
  const { tensors, metadata } = await readTensors(folder, checkpointFiles.optimizer);
  const optimizerState = readSlots(folder, tensors, metadata.slots);
  return { folder, state, parameters, optimizerState, kept: await readKept(folder, state, metadata.slots) };
}

/** Whether a folder has the file that is written last. */
export const isComplete = (folder: string): Promise<boolean> =>
  stat(path.join(folder, checkpointFiles.marker)).then(
    (found) => found.isFile(),
    () => false,
  );

async function checkMarker(folder: string): Promise<void> {
  const exists = (name: string): Promise<boolean> =>
    stat(path.join(folder, name)).then(
      () => true,
      () => false,
    );
  if (!(await exists('.'))) {
    throw tesseraeError({
      package: 'trainer',
      code: 'E_NOT_FOUND',
      message: `there is no checkpoint ${folder}`,
      fix: 'give the path of a checkpoint folder such as runs/story/step-000100',
      details: { folder },
    });
  }
  if (!(await exists(checkpointFiles.marker))) {
    if (await exists(checkpointFiles.state)) throw truncatedCheckpoint(folder, `it has no ${checkpointFiles.marker}`);
    throw notACheckpoint(folder);
  }
  const marker = (await readJson(folder, checkpointFiles.marker)) as {
    format?: unknown;
    version?: unknown;
    files?: Record<string, FileDigest>;
  };
  checkFormat(folder, marker);
  const files = Object.entries(marker.files ?? {});
  for (const needed of [checkpointFiles.parameters, checkpointFiles.optimizer, checkpointFiles.state]) {
    if (!files.some(([name]) => name === needed)) throw truncatedCheckpoint(folder, `${needed} is not listed`);
  }
  for (const [name, expected] of files) await checkFile(folder, checkRelativePath(name, folder), expected);
}

async function checkFile(folder: string, name: string, expected: FileDigest): Promise<void> {
  const file = path.join(folder, name);
  const size = await stat(file).then(
    (found) => found.size,
    () => -1,
  );
  if (size < 0) throw truncatedCheckpoint(folder, `${name} is missing`);
  if (size !== expected.bytes) throw truncatedCheckpoint(folder, `${name} has ${size} bytes of ${expected.bytes}`);
  if ((await digestOf(file)).sha256 !== expected.sha256) {
    throw truncatedCheckpoint(folder, `${name} is not what was written: its hash differs`);
  }
}

async function readJson(folder: string, name: string): Promise<Record<string, unknown>> {
  const file = path.join(folder, name);
  if ((await stat(file)).size > JSON_BYTES) throw notACheckpoint(folder);
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (cause) {
    throw truncatedCheckpoint(folder, `${name} is not JSON`, cause);
  }
  throw notACheckpoint(folder);
}

const notACheckpoint = (folder: string): Error =>
  foreignCheckpoint(folder, 'it is no training checkpoint of this trainer', 'give the path of a step-… folder');

function checkFormat(folder: string, value: { format?: unknown; version?: unknown }): void {
  if (value.format !== CHECKPOINT_FORMAT) throw notACheckpoint(folder);
  if (value.version === CHECKPOINT_VERSION) return;
  throw foreignCheckpoint(
    folder,
    `its version is ${String(value.version)}, this trainer reads version ${CHECKPOINT_VERSION}`,
    'use the version of @tesserae/trainer that wrote it',
  );
}

async function readTensors(folder: string, name: string): ReturnType<typeof readSafetensors> {
  try {
    return await readSafetensors(path.join(folder, name));
  } catch (cause) {
    if (isTesseraeError(cause)) throw truncatedCheckpoint(folder, `${name} cannot be read (${cause.code})`, cause);
    throw cause;
  }
}

type StepColumns = Record<
  Exclude<keyof StepRecord, 'parts' | 'dataWaitMilliseconds' | 'fill' | 'lossScale' | 'skipped'>,
  number[]
> & {
  lossScale?: (number | null)[];
  /** The numbers of those steps. */
  skipped?: number[];
  parts?: StepRecord['parts'][];
  dataWaitMilliseconds?: number[];
  fill?: (number | null)[];
};

function readState(folder: string, json: Record<string, unknown>): TrainerState {
  checkFormat(folder, json);
  const raw = json as unknown as Omit<TrainerState, 'steps'> & { steps: StepColumns };
  const columns = raw.steps;
  const skipped = new Set(columns.skipped ?? []);
  const steps = columns.step.map((step, i) => ({
    step,
    loss: (columns.loss[i] as number | null) ?? NaN, // JSON has no other numbers than finite ones
    gradientNorm: (columns.gradientNorm[i] as number | null) ?? Infinity,
    learningRate: columns.learningRate[i],
    tokensPerSecond: columns.tokensPerSecond[i],
    ...(typeof columns.lossScale?.[i] === 'number' && { lossScale: columns.lossScale[i] }),
    ...(skipped.has(step) && { skipped: true as const }),
    ...(typeof columns.fill?.[i] === 'number' && { fill: columns.fill[i] }),
    ...(columns.parts?.[i] && { parts: columns.parts[i] }),
    ...(columns.dataWaitMilliseconds && { dataWaitMilliseconds: columns.dataWaitMilliseconds[i] }),
  }));
  const best = (raw.best as EvaluationRecord | null | undefined) ?? undefined;
  const { step, identity, evaluations, callbacks = {}, kept = [] } = raw as Partial<TrainerState> & typeof raw;
  const rollbacks = (raw.rollbacks ?? []).map((one) => ({ ...one, loss: Number(one.loss) }));
  return { step, identity, steps, evaluations, best, rollbacks, callbacks, kept, data: raw.data };
}

/** The states that the run may go back to, other than the one of the checkpoint. */
async function readKept(
  folder: string,
  { step, kept }: TrainerState,
  slots: string | undefined,
): Promise<LoadedCheckpoint['kept']> {
  const others = kept.filter((one) => one.step !== step);
  if (others.length === 0) return [];
  const { tensors } = await readTensors(folder, checkpointFiles.kept);
  return others.map((one) => {
    const parameters: SafetensorsTensor[] = [];
    for (let i = 0; tensors.has(`${one.step}/parameters.${i}`); i++)
      parameters.push(tensors.get(`${one.step}/parameters.${i}`)!);
    return { ...one, parameters, state: readSlots(folder, tensors, slots, `${one.step}/state.`) };
  });
}

function readSlots(
  folder: string,
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  slots: string | undefined,
  prefix = '',
): Record<string, SafetensorsTensor[]> {
  const counts = JSON.parse(slots ?? '{}') as Record<string, number>;
  const tensorOf = (name: string): SafetensorsTensor => {
    const found = tensors.get(name);
    if (found === undefined) throw truncatedCheckpoint(folder, `the optimizer's ${name} is missing`);
    return found;
  };
  return Object.fromEntries(
    Object.entries(counts).map(([slot, n]) => [
      slot,
      Array.from({ length: n }, (_, i) => tensorOf(`${prefix}${slot}.${i}`)),
    ]),
  );
}

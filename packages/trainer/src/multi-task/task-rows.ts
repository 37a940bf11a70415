import { createHash } from 'node:crypto';
import { createKey, foldIn } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import type { Objective, ObjectiveBatch, ObjectiveSettings, PreparedData } from '../objectives/index';
import { badRows } from '../objectives/objective-errors';
import { labelsName } from './labels-name';
import { taskModel } from './multi-task-model';
import { rowShares } from './row-shares';
import type { RowShares } from './row-shares';
import { namesTokens } from './task-head';
import type { MultiTaskConfig } from './task-head';
import { sizeSampling } from './task-sampling';
import type { TaskSampling } from './task-sampling';

interface Setup {
  readonly tasks: Readonly<Record<string, Objective>>;
  readonly sampling: TaskSampling;
}

/** The rows of a task, taken up by its own objective one at a time. */
interface TaskRows {
  readonly name: string;
  /** Its number among all tasks. */
  readonly place: number;
  readonly size: number;
  readonly prepared: PreparedData;
  /** Numbers of a row's labels, and whether they are float. */
  readonly width: number;
  readonly floats: boolean;
}

/** What single rows may hold. */
const known = ['inputIds', 'attentionMask', 'tokenTypeIds', 'labels'];

/** Takes up the rows of all tasks, each by its own objective, and puts batches together of rows of each. */
export async function prepareTasks(
  model: Model<MultiTaskConfig>,
  data: unknown,
  settings: ObjectiveSettings,
  { tasks, sampling }: Setup,
): Promise<PreparedData> {
  const names = Object.keys(tasks);
  const groups = groupRows(data, names);
  const part = async (which: 'train' | 'validation'): Promise<TaskRows[]> => {
    const found: TaskRows[] = [];
    for (const [k, name] of names.entries()) {
      const rows = splitRows(groups[k], settings)[which];
      if (rows.length > 0) found.push(await takeUp(model, name, tasks[name], rows, settings, k));
    }
    return found;
  };
  const train = await part('train');
  const validation = settings.evaluationBatches === 0 ? [] : await part('validation');
  const all = [...train, ...validation];
  const contextLength = Math.max(...all.map(({ prepared }) => prepared.contextLength));
  const typed = all.some(({ prepared }) => prepared.sampler(0).tokenTypeIds !== undefined);
  const form = { tasks: train, contextLength, typed, fill: model.config.padTokenId ?? 0 };
  const shares = rowShares(
    sampling,
    train.map(({ size }) => size),
    settings.rows,
  );
  const hash = createHash('sha256').update('multi-task');
  for (const { name, prepared } of train) hash.update(`${name};${prepared.fingerprint};`);
  return {
    contextLength,
    fingerprint: hash.digest('hex'),
    evaluationBatches: evaluationBatches(validation, settings, form),
    sampler: (step) => joinRows(train, shares(step), form),
  };
}

/** @throws E_OBJECTIVE_DATA unless every row has a task that is known, and every task has rows */
function groupRows(data: unknown, names: readonly string[]): object[][] {
  if (!Array.isArray(data))
    throw badRows('multi-task', `the data is ${typeof data}`, "give a list of { task: 'NAME', … }, rows of all tasks");
  const groups = names.map((): object[] => []);
  for (const [i, row] of (data as unknown[]).entries()) {
    const { task } = (row ?? {}) as { task?: string };
    const at = names.indexOf(task!);
    if (at < 0)
      throw badRows(
        'multi-task',
        `row ${i} has the task ${JSON.stringify(task)}; known are ${names.join(', ')}`,
        'give every row the name of its task',
      );
    groups[at].push(row as object);
  }
  const few = groups.findIndex((rows) => rows.length < 2);
  if (few < 0) return groups;
  throw badRows('multi-task', `the task ${names[few]} has ${groups[few].length} rows`, 'give at least two of each');
}

/** A part of each task for evaluations, from its end. */
function splitRows(
  rows: readonly object[],
  { evaluationBatches: batches, validationFraction }: ObjectiveSettings,
): { train: readonly object[]; validation: readonly object[] } {
  const wanted = batches === 0 ? 0 : Math.max(2, Math.round(rows.length * validationFraction));
  const kept = rows.length - wanted < 2 ? 0 : wanted; // too few to share
  return { train: rows.slice(0, rows.length - kept), validation: rows.slice(rows.length - kept) };
}

async function takeUp(
  model: Model<MultiTaskConfig>,
  name: string,
  objective: Objective,
  rows: readonly object[],
  settings: ObjectiveSettings,
  place: number,
): Promise<TaskRows> {
  const view = taskModel(model, name) as unknown as Model;
  const [seed] = foldIn(createKey(settings.seed), place);
  const own = namesTokens(model.config.heads[name]) ? rows.map((row) => (row as { text?: unknown }).text) : rows;
  const prepared = await objective.prepare(view, own, {
    ...settings,
    rows: 1,
    evaluationRows: 1,
    evaluationBatches: 0,
    validationFraction: 0,
    seed: seed >>> 1,
  });
  const row = prepared.sampler(0);
  const strange = Object.keys(row).filter((list) => !known.includes(list));
  if (row.labels === undefined || strange.length > 0)
    throw badRows(
      'multi-task',
      `the rows of ${name} hold ${Object.keys(row).join(', ')}`,
      'give tasks whose rows hold a text and labels',
    );
  const floats = row.labels instanceof Float32Array;
  return { name, place, size: rows.length, prepared, width: row.labels.length, floats };
}

interface BatchShape {
  /** All tasks: every batch has labels of each. */
  readonly tasks: readonly TaskRows[];
  readonly contextLength: number;
  readonly typed: boolean;
  readonly fill: number;
}

/** One batch of rows of several tasks: each with its own labels, and labels that do not count for the others. */
function joinRows(tasks: readonly TaskRows[], { rows, before }: RowShares, shape: BatchShape): ObjectiveBatch {
  const { contextLength: T, typed, fill } = shape;
  const count = rows.reduce((sum, one) => sum + one, 0);
  const batch: Record<string, Int32Array | Float32Array> = {
    inputIds: new Int32Array(count * T).fill(fill),
    attentionMask: new Int32Array(count * T),
    ...(typed && { tokenTypeIds: new Int32Array(count * T) }),
    task: new Int32Array(count),
  };
  const widthOf = ({ width, prepared }: TaskRows): number =>
    width === prepared.contextLength && width > 1 ? T : width;
  for (const task of shape.tasks)
    batch[labelsName(task.name)] = task.floats
      ? new Float32Array(count * widthOf(task))
      : new Int32Array(count * widthOf(task)).fill(-100);
  let at = 0;
  tasks.forEach((task, k) => {
    for (let i = 0; i < rows[k]; i++, at++) {
      const row = task.prepared.sampler(before[k] + i);
      batch.inputIds.set(row.inputIds, at * T);
      const mask = row.attentionMask ?? new Int32Array(row.inputIds.length).fill(1);
      batch.attentionMask.set(mask, at * T);
      if (row.tokenTypeIds) batch.tokenTypeIds.set(row.tokenTypeIds, at * T);
      batch.task[at] = task.place;
      batch[labelsName(task.name)].set(row.labels!, at * widthOf(shape.tasks[task.place]));
    }
  });
  return batch as unknown as ObjectiveBatch;
}

/** The validation rows of all tasks in proportion, in batches of one shape; each row once at most. */
function evaluationBatches(
  tasks: readonly TaskRows[],
  { evaluationBatches: most, evaluationRows }: ObjectiveSettings,
  shape: BatchShape,
): ObjectiveBatch[] {
  const total = tasks.reduce((sum, { size }) => sum + size, 0);
  if (total === 0) return [];
  const rows = Math.min(evaluationRows, total);
  const shares = rowShares(
    sizeSampling(),
    tasks.map(({ size }) => size),
    rows,
  );
  return Array.from({ length: Math.min(most, Math.floor(total / rows)) }, (_, i) => joinRows(tasks, shares(i), shape));
}

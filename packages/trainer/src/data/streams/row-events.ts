import { isTesseraeError, tesseraeError } from '@tesserae/registry';
import type { Model } from '@tesserae/core';
import type { Plain } from '../../checkpoints/format';
import type { Objective, ObjectiveSettings, PreparedData } from '../../objectives/objective';
import type { RowCore } from '../rows/row-core';
import { stateOf } from '../rows/row-core';
import { originOf } from '../rows/row-origins';
import { SNAPSHOT_EVERY } from './batch-events';
import type { BatchEvents } from './batch-events';
import { endlessRows } from './endless-rows';
import { errorParts } from './error-parts';

/** How rows become batches. */
export interface RowBatches {
  readonly objective: Pick<Objective, 'name' | 'prepare'>;
  readonly model: Model;
  /** Rows of a batch, tokens of a row, widths, and the seed. */
  readonly settings: ObjectiveSettings;
}

/**
 * Rows one after the other, which an objective makes batches of, a group of rows at a time: those of one batch, or of several
 * among which it brings rows of like length together. What is random about a group follows from the seed and its number.
 */
export const rowEvents = (source: RowCore<unknown>, { objective, model, settings }: RowBatches): BatchEvents =>
  async function* (snapshot) {
    const from =
      snapshot === undefined ? undefined : stateOf<{ rows: Plain; group: number }>('groups', snapshot, ['group']);
    const stream = endlessRows(source, from?.rows);
    const wanted = settings.rows * (settings.groupBatches ?? 1);
    let group = from?.group ?? 0;
    let since = SNAPSHOT_EVERY;
    try {
      for (; ; group++) {
        if (since >= SNAPSHOT_EVERY) {
          yield { snapshot: { kind: 'groups', rows: stream.state(), group } };
          since = 0;
        }
        const rows: unknown[] = [];
        while (rows.length < wanted) rows.push(await stream.next());
        const seed = (settings.seed + Math.imul(group + 1, 0x9e3779b1)) >>> 0; // another for every group
        const { sampler } = await prepareGroup(objective, model, rows, { ...settings, seed }, group * wanted);
        for (let step = 0; step * settings.rows < wanted; step++, since++) yield { batch: sampler(step) };
      }
    } finally {
      await stream.close();
    }
  };

/** @throws what the objective throws, with the file and line of the row that it names */
export async function prepareGroup(
  { prepare }: Pick<Objective, 'prepare'>,
  model: Model,
  rows: readonly unknown[],
  settings: ObjectiveSettings,
  before: number,
): Promise<PreparedData> {
  try {
    const twice = rows.length === 1 ? [rows[0], rows[0]] : rows; // objectives want two at least
    return await prepare(model, twice, { ...settings, evaluationBatches: 0, validationFraction: 0 });
  } catch (error) {
    throw withPlace(error, rows, before);
  }
}

/** Objectives count rows from 0; here the place in the file says more. */
export function withPlace(error: unknown, rows: readonly unknown[], before = 0): unknown {
  if (!isTesseraeError(error, 'E_OBJECTIVE_DATA')) return error;
  const index = Number(/\brow (\d+)\b/.exec(error.message)?.[1] ?? NaN);
  if (!(index < rows.length)) return error;
  const where = originOf(rows[index]) ?? `row ${before + index}`;
  const parts = errorParts(error)!;
  const message = parts.message.replace(/\brow \d+\b/, where);
  return tesseraeError({ ...parts, message, cause: error, details: { ...parts.details, where } });
}

import { createHash } from 'node:crypto';
import type { Plain } from '../../checkpoints/format';
import { badState } from './row-errors';

/** One walk over the rows of a source. */
export interface RowPass<R> {
  /** The next row; undefined at the end, and ever after. */
  next(): Promise<R | undefined>;
  /** Where the walk stands, as plain JSON: a walk that begins with it gives the rows that would have come. */
  state(): Plain;
  /** Closes files. A pass that came to its end has closed them. */
  close(): Promise<void>;
}

/** Where a walk begins. */
export interface RowStart {
  /** How often the rows have been walked over before: decides the order of what is shuffled or drawn. 0 when absent. */
  readonly epoch?: number;
  /** What `state()` of another pass gave; the beginning when absent. */
  readonly state?: Plain | undefined;
}

/** A row that was passed over. */
export interface SkippedRow {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly reason: string;
}

/** Rows that a pass has passed over: the most of any epoch since the first was begun anew. */
export interface SkippedRows {
  readonly count: number;
  /** The first ones, ten at most. */
  readonly examples: readonly SkippedRow[];
}

/** How a source can be built again elsewhere; undefined where a function of one's own takes part. */
export type SourceDescription = { readonly [name: string]: Plain };

/** What every source is: rows that can be walked over again and again. */
export interface RowCore<R> {
  open(start?: RowStart): RowPass<R>;
  /** SHA-256 of what decides the rows: the content of the files and what is done with it. */
  fingerprint(): Promise<string>;
  readonly skipped: SkippedRows;
  readonly description: SourceDescription | undefined;
}

/** SHA-256 of a few texts. */
export const hashOf = (...parts: readonly string[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length};`).update(part);
  return hash.digest('hex');
};

/** A state by its kind, and the numbers that it must hold. @throws E_DATA_STATE */
export function stateOf<T extends object>(kind: string, state: Plain, counts: readonly (keyof T & string)[]): T {
  const found = (typeof state === 'object' && state !== null ? state : {}) as Record<string, unknown>;
  if (found.kind !== kind) throw badState(`it is of '${String(found.kind)}', not of '${kind}'`);
  for (const name of counts)
    if (!Number.isSafeInteger(found[name]) || (found[name] as number) < 0)
      throw badState(`its ${name} is ${JSON.stringify(found[name])}`);
  return found as T;
}

import { existsSync } from 'node:fs';
import type { Plain } from '../checkpoints/index';
import { logExists, openAppendFile } from '../event-files/append-file';
import type { AppendFile } from '../event-files/append-file';
import type { TrainingContext } from './callback';

/** Where a log stood when a checkpoint was written. */
export interface LogPlace {
  readonly file: string;
  readonly bytes: number;
}

/** The place in what a checkpoint kept, if it is one. */
export function logPlace(state: Plain | undefined): LogPlace | undefined {
  const { file, bytes } = (state ?? {}) as { file?: unknown; bytes?: unknown };
  return typeof file === 'string' && Number.isSafeInteger(bytes) ? { file, bytes: bytes as number } : undefined;
}

/** A log of a run: it never fails, it warns once and is silent from then on. */
export interface RunLog {
  append(record: Uint8Array): void;
  /** What a checkpoint is to remember, once everything up to it is on the disk. */
  place(): Plain;
  close(): void;
}

/** How a log is opened. */
export interface LogOptions {
  readonly speaker: string;
  readonly file: string;
  readonly overwrite: boolean;
  /** Where it stood when the checkpoint was written from which the run goes on; a new run when absent. */
  readonly place: LogPlace | undefined;
  readonly endOfRecords: (bytes: Uint8Array) => number;
}

/**
 * Opens the log of a run: begins it, or cuts off what was written after the checkpoint from which the run goes on.
 *
 * @throws E_LOG_EXISTS when a new run finds a file, E_LOG_FILE when it cannot be opened
 */
export function openRunLog(options: LogOptions, context: TrainingContext): RunLog {
  const { speaker, file, overwrite, place, endOfRecords } = options;
  if (place === undefined && !overwrite && !context.resume && existsSync(file)) throw logExists(speaker, file);
  const begun = context.step > 0 ? undefined : 0; // a log that joins a run half-way is added to
  let log: AppendFile | undefined = openAppendFile(file, { keepBytes: place?.bytes ?? begun, endOfRecords });
  if (log.cutShort)
    context.warn({
      code: 'W_LOG_CHANGED',
      message: `${file} is not what it was at the checkpoint; its first ${log.bytes} bytes are kept and written behind`,
    });
  const safely = (body: (log: AppendFile) => void): void => {
    try {
      if (log) body(log);
    } catch (error) {
      context.warn({ code: 'W_LOG_FAILED', message: `${(error as Error).message}; the run goes on without this log` });
      log = undefined;
    }
  };
  return {
    append: (record) => safely((open) => open.append(record)),
    place() {
      safely((open) => open.sync());
      return log === undefined ? null : { file, bytes: log.bytes };
    },
    close: () => safely((open) => open.close()),
  };
}

import { tesseraeError } from '@tesserae/registry';

/** A state that does not belong to the source that it is given to. */
export const badState = (why: string): Error =>
  tesseraeError({
    package: 'trainer',
    plugin: 'rows',
    code: 'E_DATA_STATE',
    message: `the state cannot be continued from: ${why}`,
    fix: 'give a state of the same source, made with the same options',
  });

/** What stood in the files before stands there no more. */
export const dataChanged = (what: string, why: string, details: object = {}): Error =>
  tesseraeError({
    package: 'trainer',
    plugin: 'rows',
    code: 'E_DATA_CHANGED',
    message: `${what} has changed: ${why}`,
    fix: 'bring the old data back, or begin anew',
    details: { ...details },
  });

/** A row that cannot be read, with its place. */
export const unreadableRow = (file: string, line: number, reason: string): Error =>
  tesseraeError({
    package: 'trainer',
    plugin: 'readRows',
    code: 'E_ROW',
    message: `${file}:${line} is no row: ${reason}`,
    fix: `correct the file, or pass over such rows with unreadable: 'skip'`,
    details: { file, line, reason },
  });

/** A source without a row. */
export const noRows = (what: string, fix: string): Error =>
  tesseraeError({ package: 'trainer', plugin: 'rows', code: 'E_NO_ROWS', message: `${what} has no rows`, fix });

import { tesseraeError } from '@tesserae/registry';

/** A file that cannot be opened or read on. */
export function unreadableFile(file: string, cause: unknown): Error {
  const errno = (cause as NodeJS.ErrnoException).code;
  const missing = errno === 'ENOENT' || errno === 'ENOTDIR';
  return tesseraeError({
    package: 'trainer',
    code: missing ? 'E_NOT_FOUND' : 'E_NOT_READABLE',
    message: missing ? `there is no file ${file}` : `cannot read ${file} (${errno ?? String(cause)})`,
    fix: missing ? 'check the path' : 'check that it is a file and that you may read it',
    cause,
    details: { file, errno },
  });
}

/** A file that is not what its name says. */
export const badFormat = (file: string, why: string, fix: string, cause?: unknown): Error =>
  tesseraeError({
    package: 'trainer',
    plugin: 'readRows',
    code: 'E_FILE_FORMAT',
    message: `${file} ${why}`,
    fix,
    cause,
    details: { file },
  });

/** No file of a known kind where rows should be. */
export const noFiles = (where: string, fix: string): Error =>
  tesseraeError({
    package: 'trainer',
    plugin: 'readRows',
    code: 'E_NO_FILES',
    message: `${where} holds no file with rows`,
    fix,
    details: { where },
  });

/** A column that was asked for is not in the file. */
export const noColumn = (file: string, column: string, columns: readonly string[]): Error =>
  tesseraeError({
    package: 'trainer',
    plugin: 'readRows',
    code: 'E_COLUMN',
    message: `${file} has no column '${column}'; it has ${columns.map((name) => `'${name}'`).join(', ') || 'none'}`,
    fix: 'name a column that it has',
    details: { file, column, columns },
  });

import { tesseraeError } from '@tesserae/registry';

/** What the file system says, by its errno name, in the two codes a caller can act on. */
const diskFull = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const notWritable = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOTDIR',
  'ENOENT',
  'EISDIR',
  'ELOOP',
  'ENAMETOOLONG',
  'EEXIST',
]);

const errnoOf = (error: unknown): string | undefined => {
  const code = (error as { code?: unknown; errno?: unknown } | null)?.code;
  return typeof code === 'string' && (error as { errno?: unknown }).errno !== undefined ? code : undefined;
};

/** Turns a file-system error met while writing into a coded one; anything else is handed back as it is. */
export function writeError(error: unknown, path: string): unknown {
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  if (diskFull.has(errno)) {
    return tesseraeError({
      package: 'core',
      code: 'E_DISK_FULL',
      message: `the disk is full (${errno}) while writing ${path}; what was there before is untouched`,
      fix: 'free some space or choose another folder',
      cause: error,
      details: { path, errno },
    });
  }
  return tesseraeError({
    package: 'core',
    code: notWritable.has(errno) ? 'E_NOT_WRITABLE' : 'E_WRITE_FAILED',
    message: `cannot write ${path} (${errno}); what was there before is untouched`,
    fix: notWritable.has(errno)
      ? 'choose a folder that exists on a writable disk and that you may write to'
      : 'check the disk, then try again',
    cause: error,
    details: { path, errno },
  });
}

/** Turns a file-system error met while reading into a coded one; anything else is handed back as it is. */
export function readError(error: unknown, path: string): unknown {
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  const missing = errno === 'ENOENT' || errno === 'ENOTDIR';
  return tesseraeError({
    package: 'core',
    code: missing ? 'E_NOT_FOUND' : 'E_NOT_READABLE',
    message: missing ? `there is no file ${path}` : `cannot read ${path} (${errno})`,
    fix: missing ? 'check the path' : 'check that it is a file and that you may read it',
    cause: error,
    details: { path, errno },
  });
}

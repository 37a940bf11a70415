import { tesseraeError } from '@tesserae/registry';
import type { DownloadSettings } from './options';

const error = (code: `E_${string}`, message: string, fix: string, cause?: unknown, details?: object): Error =>
  tesseraeError({
    package: 'hub',
    code,
    message,
    fix,
    ...(cause !== undefined && { cause }),
    ...(details && { details: details as Record<string, unknown> }),
  });

/** A failure that may be gone the next time: a dropped connection, a server that is busy. */
export interface Passing {
  readonly passing: true;
  readonly why: string;
  /** What the server asks to wait. */
  readonly retryAfterMilliseconds?: number;
  readonly cause?: unknown;
}

export const passing = (why: string, more: Partial<Passing> = {}): Passing => ({ passing: true, why, ...more });
export const isPassing = (value: unknown): value is Passing =>
  typeof value === 'object' && value !== null && (value as Partial<Passing>).passing === true;

export const abortedError = (): Error =>
  error('E_ABORTED', 'the download was stopped', 'call again to go on from where it stopped');

export const connectionError = ({ endpoint, id }: DownloadSettings, why: string, cause?: unknown): Error =>
  error(
    'E_HUB_CONNECTION',
    `${id} could not be fetched from ${endpoint}: ${why}`,
    'check the connection and call again, which goes on from what has arrived; offline: true uses the cache alone',
    cause,
  );

export const checksumError = (id: string, name: string, wanted: string, found: string): Error =>
  error(
    'E_HUB_CHECKSUM',
    `${name} of ${id} arrived twice with another content than the hub lists: wanted ${wanted}, found ${found}`,
    'something between here and the hub changes files: check proxies, and do not use what it gives',
  );

export const responseError = ({ endpoint, id }: DownloadSettings, message: string): Error =>
  error('E_HUB_RESPONSE', `${endpoint} answers for ${id} what no hub answers: ${message}`, 'check the endpoint');

export const missingFilesError = (id: string, message: string, fix: string): Error =>
  error('E_HUB_FILES', `${id}: ${message}`, fix);

export const offlineError = (id: string, revision: string, missing: readonly string[], where: string): Error =>
  error(
    'E_OFFLINE',
    `${id} (${revision}) is not complete in the cache ${where}, and nobody may be asked: missing ${missing.join(', ')}`,
    'load it once with a connection (offline: false, HF_HUB_OFFLINE unset), or give the folder of a copy',
    undefined,
    { missing },
  );

export const diskError = (cause: NodeJS.ErrnoException, where: string): Error =>
  cause.code === 'ENOSPC' || cause.code === 'EDQUOT'
    ? error(
        'E_DISK_FULL',
        `the disk is full (${cause.code}) while downloading to ${where}`,
        'free some space, or give another cacheFolder',
        cause,
      )
    : error(
        'E_NOT_WRITABLE',
        `cannot write ${where} (${cause.code})`,
        'give a cacheFolder that may be written to',
        cause,
      );

/** What an answer that is no success means. */
export async function statusError(response: Response, settings: DownloadSettings, name?: string): Promise<unknown> {
  const { status, headers } = response;
  const { id, revision, endpoint, token } = settings;
  await response.body?.cancel().catch(() => undefined);
  if (status === 408 || status === 429 || status >= 500) {
    const wait = retryAfter(headers.get('retry-after'));
    return passing(`the server answers ${status}`, wait === undefined ? {} : { retryAfterMilliseconds: wait });
  }
  const code = headers.get('x-error-code');
  const what = name === undefined ? id : `${name} of ${id}`;
  const as = token === undefined ? 'without a token' : 'with this token';
  if (code === 'GatedRepo') {
    const fix = `ask for access at ${endpoint}/${id}, and give a token of that account (token, or HF_TOKEN)`;
    return error('E_HUB_GATED', `${id} is gated, and may not be read ${as}`, fix);
  }
  if (code === 'RevisionNotFound') {
    return error(
      'E_HUB_REVISION',
      `${id} has no revision ${JSON.stringify(revision)}`,
      'give a branch, a tag or a commit of it',
    );
  }
  if (code === 'RepoNotFound' || (status === 404 && name === undefined)) {
    const fix = 'check the name; if the repository is private, give a token that may read it (token, or HF_TOKEN)';
    return error('E_HUB_NOT_FOUND', `there is no repository ${id} at ${endpoint}, or it may not be seen ${as}`, fix);
  }
  if (status === 404) return error('E_HUB_NOT_FOUND', `there is no ${what}`, 'check the revision');
  if (status === 401 || status === 403) {
    const fix =
      token === undefined
        ? 'give a token that may read it (token, or HF_TOKEN)'
        : 'give a token that is valid and may read it';
    return error('E_HUB_UNAUTHORIZED', `${what} may not be read ${as} (${status})`, fix);
  }
  return error('E_HUB_HTTP', `${endpoint} answers ${status} for ${what}`, 'check the endpoint, or call again later');
}

/** Seconds or a date, as HTTP has it; at most a minute. */
function retryAfter(text: string | null): number | undefined {
  if (text === null) return undefined;
  const seconds = /^\d+$/.test(text.trim()) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.min(60, Math.max(0, seconds)) * 1000 : undefined;
}

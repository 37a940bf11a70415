import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import type { Output } from '@tesserae/display';
import { tesseraeError } from '@tesserae/registry';
import { checkOptions } from '../options';

/** Where a model comes from, and how it is downloaded. */
export interface DownloadOptions {
  /** A branch, a tag or a commit; `main` when absent. */
  readonly revision?: string | undefined;
  /** The folder of the download cache; as Hugging Face's libraries have it when absent (`HF_HUB_CACHE`, `HF_HOME`). */
  readonly cacheFolder?: string | undefined;
  /**
   * An access token, or false for none. When absent `HF_TOKEN`, or the one that `hf auth login` stored. It is sent to the
   * hub alone, never to the hosts that it redirects to.
   */
  readonly token?: string | false | undefined;
  /** Use what is in the cache and ask nobody; when absent as `HF_HUB_OFFLINE` says. */
  readonly offline?: boolean | undefined;
  /** The address of the hub; `HF_ENDPOINT`, or Hugging Face's, when absent. */
  readonly endpoint?: string | undefined;
  /** Stops the download; what has arrived stays, and the next call goes on from there. */
  readonly signal?: AbortSignal | undefined;
  /** Show progress: `true` when absent; or where to draw it. */
  readonly progress?: boolean | Output | undefined;
  /** Seconds without an answer or a byte after which a connection counts as dropped; 30 when absent. */
  readonly timeoutSeconds?: number | undefined;
  /** How often in a row a request may fail before giving up; 5 when absent. */
  readonly retries?: number | undefined;
  /** Seconds before the first repetition, doubled each time up to 10; 0.5 when absent. */
  readonly retrySeconds?: number | undefined;
}

export const downloadOptions = [
  'revision',
  'cacheFolder',
  'token',
  'offline',
  'endpoint',
  'signal',
  'progress',
  'timeoutSeconds',
  'retries',
  'retrySeconds',
] as const;

/** The options, complete and checked. */
export interface DownloadSettings {
  readonly id: string;
  readonly revision: string;
  readonly cacheFolder: string | undefined;
  readonly token: string | undefined;
  readonly offline: boolean;
  readonly endpoint: string;
  readonly signal: AbortSignal | undefined;
  readonly progress: boolean | Output;
  readonly timeoutMilliseconds: number;
  readonly retries: number;
  readonly retryMilliseconds: number;
}

const refuse = (code: `E_${string}`, message: string, fix: string): never => {
  throw tesseraeError({ package: 'hub', code, message, fix });
};

const shown = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 200);

/** Whether a text is the name of a repository: `gpt2`, `openai-community/gpt2`. */
export function isRepositoryId(id: string): boolean {
  const part = /^[A-Za-z0-9_](?:[\w.-]*[A-Za-z0-9_])?$/;
  const parts = id.split('/');
  return id.length <= 96 && parts.length <= 2 && parts.every((name) => part.test(name)) && !/\.\.|--/.test(id);
}

function checkRevision(revision: unknown): string {
  const parts = typeof revision === 'string' ? revision.split('/') : [];
  const safe = parts.length > 0 && parts.every((part) => /^[\w.+@=-]+$/.test(part) && !/^\.+$/.test(part));
  if (!safe) refuse('E_OPTION', `revision is ${shown(revision)}`, 'give the name of a branch or tag, or a commit');
  return revision as string;
}

function checkNumber(name: string, value: unknown, fallback: number, least: number): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && Number.isFinite(value) && value >= least) return value;
  return refuse('E_OPTION', `${name} is ${shown(value)}`, `give a number from ${least} up`);
}

function checkEndpoint(given: unknown): string {
  const text = given ?? process.env.HF_ENDPOINT ?? 'https://huggingface.co';
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    return refuse('E_OPTION', `endpoint is ${shown(text)}`, 'give an address that begins with https://');
  }
  return url.href.replace(/\/+$/, '');
}

const isYes = (text: string | undefined): boolean => /^(1|true|yes|on)$/i.test(text ?? '');

/** The token that Hugging Face's command line stored, if any. */
async function storedToken(): Promise<string | undefined> {
  const home =
    process.env.HF_HOME ?? path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'), 'huggingface');
  const text = await readFile(process.env.HF_TOKEN_PATH ?? path.join(home, 'token'), 'utf8').catch(() => '');
  return text.trim() === '' ? undefined : text;
}

async function findToken(given: string | false | undefined): Promise<string | undefined> {
  if (given === false) return undefined;
  const implicit = !isYes(process.env.HF_HUB_DISABLE_IMPLICIT_TOKEN);
  const fromEnvironment = process.env.HF_TOKEN ?? process.env.HUGGING_FACE_HUB_TOKEN;
  const token = given ?? (implicit ? (fromEnvironment ?? (await storedToken())) : undefined);
  if (token === undefined) return undefined;
  // never shown: a message may end up in a log
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token.trim())) {
    refuse(
      'E_OPTION',
      'the token is no text of visible characters',
      'give the token as huggingface.co/settings/tokens shows it',
    );
  }
  return token.trim();
}

/**
 * Completes and checks the options of a download.
 *
 * @throws E_REPOSITORY_ID, E_OPTION, E_UNKNOWN_OPTION
 */
export async function downloadSettings(name: string, id: string, options: DownloadOptions): Promise<DownloadSettings> {
  checkOptions(name, options, downloadOptions);
  if (typeof id !== 'string' || !isRepositoryId(id)) {
    refuse(
      'E_REPOSITORY_ID',
      `${shown(id)} is no repository of a hub`,
      "give 'owner/name', or the path of a folder that exists",
    );
  }
  for (const flag of ['offline'] as const) {
    if (options[flag] !== undefined && typeof options[flag] !== 'boolean')
      refuse('E_OPTION', `${flag} is ${shown(options[flag])}`, 'give true or false');
  }
  return {
    id,
    revision: checkRevision(options.revision ?? 'main'),
    cacheFolder: options.cacheFolder,
    token: await findToken(options.token),
    offline: options.offline ?? isYes(process.env.HF_HUB_OFFLINE),
    endpoint: checkEndpoint(options.endpoint),
    signal: options.signal,
    progress: options.progress ?? true,
    timeoutMilliseconds: 1000 * checkNumber('timeoutSeconds', options.timeoutSeconds, 30, 0.001),
    retries: checkNumber('retries', options.retries, 5, 0),
    retryMilliseconds: 1000 * checkNumber('retrySeconds', options.retrySeconds, 0.5, 0),
  };
}

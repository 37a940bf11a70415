import { isTesseraeError } from '@tesserae/registry';
import { isCompanion } from '../folders/companions';
import type { RemoteFile } from './download-file';
import { missingFilesError, responseError } from './errors';
import type { DownloadSettings } from './options';
import { libraryFetch } from './request';

const SINGLE = 'model.safetensors';
export const INDEX = 'model.safetensors.index.json';
/** Folders of a repository that hold something of a model. */
const folders = ['additional_chat_templates', '1_Pooling'];
const MAX_ENTRIES = 20_000;

/** What a revision of a repository holds that a model needs. */
export interface Repository {
  readonly commit: string;
  /** By path: everything but the shards, which the index names. */
  readonly files: readonly RemoteFile[];
  /** Safetensors files at the top, from which the index picks. */
  readonly weights: ReadonlyMap<string, RemoteFile>;
}

interface Entry {
  readonly type?: unknown;
  readonly path?: unknown;
  readonly size?: unknown;
  readonly oid?: unknown;
  readonly lfs?: { readonly oid?: unknown; readonly size?: unknown } | undefined;
}

function remoteFile(entry: Entry, settings: DownloadSettings): RemoteFile {
  const path = String(entry.path);
  const etag = entry.lfs ? entry.lfs.oid : entry.oid;
  const size = entry.lfs?.size ?? entry.size;
  const algorithm = entry.lfs ? 'sha256' : 'git-sha1';
  const form = entry.lfs ? /^[0-9a-f]{64}$/ : /^[0-9a-f]{40}$/;
  if (typeof etag !== 'string' || !form.test(etag) || !Number.isSafeInteger(size) || (size as number) < 0) {
    throw responseError(settings, `${JSON.stringify(path).slice(0, 200)} has no checksum or size`);
  }
  return { path, size: size as number, etag, algorithm };
}

/** Gives what the library throws a code; what came from our own requests has one. */
async function ask<T>(settings: DownloadSettings, question: () => Promise<T>): Promise<T> {
  try {
    return await question();
  } catch (error) {
    if (isTesseraeError(error)) throw error;
    throw responseError(settings, error instanceof Error ? error.message : String(error));
  }
}

async function listFolder(settings: DownloadSettings, commit: string, path: string): Promise<Entry[]> {
  const { listFiles } = await import('@huggingface/hub');
  const entries: Entry[] = [];
  const listing = listFiles({
    repo: { type: 'model', name: settings.id },
    revision: commit,
    path,
    hubUrl: settings.endpoint,
    fetch: libraryFetch(settings),
  });
  for await (const entry of listing) {
    if (entries.push(entry as Entry) > MAX_ENTRIES) throw responseError(settings, `more than ${MAX_ENTRIES} files`);
  }
  return entries;
}

async function findCommit(settings: DownloadSettings): Promise<string> {
  const { modelInfo } = await import('@huggingface/hub');
  const info: { sha?: unknown } = await ask(settings, () =>
    modelInfo({
      name: settings.id,
      revision: settings.revision,
      additionalFields: ['sha'],
      hubUrl: settings.endpoint,
      fetch: libraryFetch(settings),
    }),
  );
  if (typeof info.sha === 'string' && /^[0-9a-f]{40}$/.test(info.sha)) return info.sha;
  throw responseError(settings, 'it gives no commit');
}

/**
 * Asks the hub which commit a revision is and what is in it.
 *
 * @throws E_HUB_FILES when it holds no config.json or no safetensors; E_HUB_RESPONSE; the codes of requests
 */
export async function listRepository(settings: DownloadSettings): Promise<Repository> {
  const commit = await findCommit(settings);
  const entries = await ask(settings, async () => {
    const top = await listFolder(settings, commit, '');
    const inner = top.filter(({ type, path }) => type === 'directory' && folders.includes(path as string));
    const lists = await Promise.all(inner.map(({ path }) => listFolder(settings, commit, path as string)));
    return [...top, ...lists.flat()];
  });
  const files: RemoteFile[] = [];
  const weights = new Map<string, RemoteFile>();
  const others: string[] = [];
  for (const entry of entries) {
    const { type, path } = entry;
    if (type !== 'file' || typeof path !== 'string') continue;
    if (path === 'config.json' || path === INDEX || isCompanion(path)) files.push(remoteFile(entry, settings));
    else if (/^[^/\\]+\.safetensors$/.test(path)) weights.set(path, remoteFile(entry, settings));
    else others.push(path);
  }
  checkFiles(settings.id, files, weights, others);
  const single = weights.get(SINGLE);
  const chosen = single ? [...files.filter(({ path }) => path !== INDEX), single] : files;
  return { commit, files: chosen, weights };
}

function checkFiles(
  id: string,
  files: readonly RemoteFile[],
  weights: ReadonlyMap<string, RemoteFile>,
  others: readonly string[],
): void {
  if (!files.some(({ path }) => path === 'config.json')) {
    throw missingFilesError(id, 'it holds no config.json', 'give a repository of a model for transformers');
  }
  if (weights.has(SINGLE) || files.some(({ path }) => path === INDEX)) return;
  const pickled = others.filter((path) => /\.(bin|pt|pth|h5|msgpack|gguf|onnx)$/.test(path)).slice(0, 4);
  const found = pickled.length > 0 ? `; it holds ${pickled.join(', ')}` : '';
  const fix = 'use a revision or a copy with safetensors: pickled weights can run code and are not read';
  throw missingFilesError(id, `it holds neither ${SINGLE} nor ${INDEX}${found}`, fix);
}

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What goes wrong with an answer. */
export type Fault =
  | { readonly kind: 'drop'; readonly after: number }
  | { readonly kind: 'silence'; readonly after?: number }
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Record<string, string> }
  | { readonly kind: 'wrong bytes' }
  | { readonly kind: 'no ranges' }
  | { readonly kind: 'wrong range' }
  | { readonly kind: 'overlong' }
  | { readonly kind: 'redirect'; readonly to: string };

export interface Seen {
  readonly path: string;
  readonly range: string | undefined;
  readonly token: string | undefined;
  readonly host: string;
}

/** A hub on this machine: the routes that Hugging Face's has, two hosts (the hub and where large files lie), faults. */
export interface HubServer {
  readonly endpoint: string;
  readonly commit: string;
  readonly seen: Seen[];
  /** Bytes of file contents that were sent. */
  sent: number;
  /** The next answers for a path that ends so. */
  fault(ending: string, ...faults: Fault[]): void;
  close(): Promise<void>;
}

export interface HubContent {
  readonly id: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Files that are stored as large ones. */
  readonly large?: readonly string[];
  /** Needed to see anything. */
  readonly token?: string;
  readonly gated?: boolean;
  readonly refs?: readonly string[];
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
export const gitSha1 = (bytes: Uint8Array): string =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
export const etagOf = ({ files, large = [] }: HubContent, name: string): string =>
  large.includes(name) ? sha256(files[name]) : gitSha1(files[name]);

function listing(content: HubContent, folder: string): object[] {
  const entries = new Map<string, object>();
  for (const [path, bytes] of Object.entries(content.files)) {
    if (folder !== '' && !path.startsWith(`${folder}/`)) continue;
    const rest = folder === '' ? path : path.slice(folder.length + 1);
    const inner = rest.indexOf('/');
    if (inner >= 0) {
      const directory = [folder, rest.slice(0, inner)].filter(Boolean).join('/');
      entries.set(directory, { type: 'directory', path: directory, size: 0, oid: '0'.repeat(40) });
      continue;
    }
    const large = content.large?.includes(path);
    const pointer = large ? Buffer.from(sha256(bytes)) : bytes;
    const lfs = { oid: sha256(bytes), size: bytes.length, pointerSize: 130 };
    entries.set(path, { type: 'file', path, size: bytes.length, oid: gitSha1(pointer), ...(large && { lfs }) });
  }
  return [...entries.values()];
}

export async function startHub(content: HubContent): Promise<HubServer> {
  const commit = sha256(Buffer.concat(Object.values(content.files))).slice(0, 40);
  const faults = new Map<string, Fault[]>();
  const seen: Seen[] = [];
  const hub = { sent: 0 };

  const nextFault = (path: string): Fault | undefined => {
    const ending = [...faults.keys()].find((one) => path.endsWith(one) && faults.get(one)!.length > 0);
    return ending === undefined ? undefined : faults.get(ending)!.shift();
  };

  const json = (response: ServerResponse, value: unknown): void => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(value));
  };
  const refuse = (response: ServerResponse, status: number, code: string): void => {
    response.writeHead(status, { 'x-error-code': code, 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: code }));
  };

  const sendBytes = (
    request: IncomingMessage,
    response: ServerResponse,
    bytes: Uint8Array,
    headers: Record<string, string>,
    fault: Fault | undefined,
  ): void => {
    const range = fault?.kind === 'no ranges' ? undefined : /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
    const start = range ? Number(range[1]) : 0;
    if (start >= bytes.length && range) return void response.writeHead(416).end();
    let body = Buffer.from(bytes.subarray(start));
    if (fault?.kind === 'wrong bytes') body[body.length >> 1] ^= 0xff;
    if (fault?.kind === 'overlong') body = Buffer.concat([body, Buffer.alloc(100)]);
    const shown = fault?.kind === 'wrong range' ? start + 1 : start;
    response.writeHead(range ? 206 : 200, {
      ...headers,
      'accept-ranges': 'bytes',
      'content-length': String(body.length),
      ...(range && { 'content-range': `bytes ${shown}-${bytes.length - 1}/${bytes.length}` }),
    });
    if (request.method === 'HEAD') return void response.end();
    const until = fault?.kind === 'drop' || fault?.kind === 'silence' ? (fault.after ?? 0) : body.length;
    hub.sent += Math.min(until, body.length);
    if (until >= body.length) return void response.end(body);
    response.write(body.subarray(0, until), () => {
      if (fault?.kind === 'drop') setTimeout(() => response.destroy(), 20);
    });
  };

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url!, `http://${request.headers.host}`);
    const path = decodeURIComponent(url.pathname);
    const token = request.headers.authorization?.replace('Bearer ', '');
    seen.push({ path, range: request.headers.range, token, host: url.hostname });
    const fault = nextFault(path);
    if (fault?.kind === 'status') {
      response.writeHead(fault.status, fault.headers);
      return void response.end('{}');
    }
    if (fault?.kind === 'redirect') return void response.writeHead(302, { location: fault.to }).end();
    if (fault?.kind === 'silence' && fault.after === undefined) return;
    if (path.startsWith('/large/')) {
      const bytes = Object.values(content.files).find((one) => sha256(one) === path.slice(7));
      return bytes
        ? sendBytes(request, response, bytes, { etag: '"storage"' }, fault)
        : refuse(response, 404, 'NoSuchKey');
    }
    if (content.token !== undefined && token !== content.token) return refuse(response, 401, 'RepoNotFound');
    const known = [commit, 'main', ...(content.refs ?? [])];
    const [, info] = new RegExp(`^/api/models/${content.id}/revision/(.+)$`).exec(path) ?? [];
    if (info !== undefined) {
      if (!known.includes(info)) return refuse(response, 404, 'RevisionNotFound');
      return json(response, { _id: '1', id: content.id, sha: commit, lastModified: '2026-01-01T00:00:00.000Z' });
    }
    const [, of, folder] = new RegExp(`^/api/models/${content.id}/tree/([^/]+)(?:/(.+))?$`).exec(path) ?? [];
    if (of !== undefined) return json(response, listing(content, folder ?? ''));
    const [, revision, name] = new RegExp(`^/${content.id}/resolve/([^/]+)/(.+)$`).exec(path) ?? [];
    if (revision === undefined) return refuse(response, 404, 'RepoNotFound');
    if (content.gated) return refuse(response, 403, 'GatedRepo');
    const bytes = content.files[name];
    if (!bytes) return refuse(response, 404, 'EntryNotFound');
    const headers = { 'x-repo-commit': commit };
    if (!content.large?.includes(name)) {
      return sendBytes(request, response, bytes, { ...headers, etag: `"${gitSha1(bytes)}"` }, fault);
    }
    response.writeHead(302, {
      ...headers,
      'x-linked-etag': `"${sha256(bytes)}"`,
      'x-linked-size': String(bytes.length),
      location: `http://localhost:${url.port}/large/${sha256(bytes)}`, // another host than 127.0.0.1
    });
    response.end();
  };

  const server: Server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(hub, {
    endpoint: `http://127.0.0.1:${port}`,
    commit,
    seen,
    fault: (ending: string, ...more: Fault[]) => void faults.set(ending, [...(faults.get(ending) ?? []), ...more]),
    close: () => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  });
}

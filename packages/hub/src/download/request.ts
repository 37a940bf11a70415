import { abortedError, connectionError, isPassing, passing, statusError } from './errors';
import type { Passing } from './errors';
import type { DownloadSettings } from './options';

/** No list of files or description of a repository comes near this. */
const MAX_ANSWER_BYTES = 64 * 2 ** 20;
const MAX_REDIRECTS = 5;
const LONGEST_PAUSE = 10_000;

/** A time limit that is set back each time something arrives, joined with the caller's signal. */
export interface Watch {
  readonly signal: AbortSignal;
  alive(): void;
  end(): void;
  readonly expired: boolean;
}

export function watch({ signal, timeoutMilliseconds }: DownloadSettings): Watch {
  const controller = new AbortController();
  let expired = false;
  const expire = (): void => {
    expired = true;
    controller.abort();
  };
  const stop = (): void => controller.abort();
  if (signal?.aborted) stop();
  signal?.addEventListener('abort', stop, { once: true });
  let timer = setTimeout(expire, timeoutMilliseconds);
  return {
    signal: controller.signal,
    alive() {
      clearTimeout(timer);
      timer = setTimeout(expire, timeoutMilliseconds);
    },
    end() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    },
    get expired() {
      return expired;
    },
  };
}

/** What a failed `fetch` or a broken body means. */
export function failureOf(
  cause: unknown,
  { signal, timeoutMilliseconds }: DownloadSettings,
  { expired }: Watch,
): unknown {
  if (signal?.aborted) return abortedError();
  if (expired) return passing(`nothing came for ${timeoutMilliseconds / 1000} s`, { cause });
  const { code } = ((cause as { cause?: unknown }).cause ?? {}) as { code?: string };
  return passing(code ?? (cause instanceof Error ? cause.message : String(cause)), { cause });
}

/**
 * One request, redirects followed by hand: the token goes to the hub's own origin and to no other.
 *
 * @returns an answer that is a success
 * @throws a `Passing` failure, or a coded error
 */
export async function send(
  url: string,
  init: { headers?: Record<string, string> },
  settings: DownloadSettings,
  watched: Watch,
  name?: string,
): Promise<Response> {
  const home = new URL(settings.endpoint).origin;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const headers = { 'user-agent': 'tesserae', ...init.headers };
    const trusted = new URL(url).origin === home;
    const authorized = settings.token && trusted ? { ...headers, authorization: `Bearer ${settings.token}` } : headers;
    const response = await fetch(url, {
      ...init,
      headers: authorized,
      redirect: 'manual',
      signal: watched.signal,
    }).catch((cause: unknown) => {
      throw failureOf(cause, settings, watched);
    });
    watched.alive();
    const location = response.headers.get('location');
    if (response.status < 300 || response.status >= 400 || location === null) {
      if (response.ok) return response;
      throw await statusError(response, settings, name);
    }
    await response.body?.cancel().catch(() => undefined);
    const next = URL.canParse(location, url) ? new URL(location, url) : undefined;
    // a hub behind https sends nobody to an address that anyone on the way can answer for
    const safe = next?.protocol === 'https:' || (next?.protocol === 'http:' && settings.endpoint.startsWith('http:'));
    if (!next || !safe) throw passing(`it redirects to ${JSON.stringify(location.slice(0, 200))}`);
    url = next.href;
  }
  throw passing('it redirects in circles');
}

async function readAnswer(response: Response, watched: Watch): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    watched.alive();
    bytes += (part as Uint8Array).byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw passing(`its answer is longer than ${MAX_ANSWER_BYTES} bytes`);
    parts.push(part as Uint8Array);
  }
  return Buffer.concat(parts);
}

/** Waits, unless the caller's signal comes. */
export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, milliseconds);
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
    signal?.addEventListener('abort', done, { once: true });
    if (signal?.aborted) done();
  });
  if (signal?.aborted) throw abortedError();
}

/** How long to wait after so many failures in a row: doubled each time, spread so that many clients do not come at once. */
export function pauseAfter(
  failures: number,
  { retryAfterMilliseconds }: Passing,
  { retryMilliseconds }: DownloadSettings,
): number {
  const backoff = Math.min(LONGEST_PAUSE, retryMilliseconds * 2 ** (failures - 1)) * (0.75 + Math.random() / 2);
  return Math.max(backoff, retryAfterMilliseconds ?? 0);
}

/** Repeats what fails in passing, with growing pauses. @throws E_HUB_CONNECTION when it fails too often in a row */
export async function persist<T>(attempt: () => Promise<T>, settings: DownloadSettings): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (failures > settings.retries) throw connectionError(settings, error.why, error.cause);
      await pause(pauseAfter(failures, error, settings), settings.signal);
    }
  }
}

/** A `fetch` for what the hub's library asks: short answers, read completely before they are given to it. */
export function libraryFetch(settings: DownloadSettings): typeof fetch {
  return async (input, init) =>
    persist(async () => {
      const watched = watch(settings);
      try {
        const url = typeof input === 'string' ? input : input instanceof URL ? input.href : input.url;
        const headers = Object.fromEntries(new Headers(init?.headers).entries());
        const response = await send(url, { headers }, settings, watched);
        const body = await readAnswer(response, watched).catch((cause: unknown) => {
          throw isPassing(cause) ? cause : failureOf(cause, settings, watched);
        });
        return new Response(new Uint8Array(body), { status: response.status, headers: response.headers });
      } finally {
        watched.end();
      }
    }, settings);
}

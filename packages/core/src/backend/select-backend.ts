import * as tf from '@tensorflow/tfjs-core';
import { checkOptions, isTesseraeError, oneOf, optionRules } from '@tesserae/registry';
import { builtInBackends } from './built-in-backends';
import { backendNames } from './candidate';
import type { BackendCandidate, BackendName, BackendRequest, BackendTaken } from './candidate';
import { backendError, whyNot } from './errors';
import { registerGradients } from './gradients/index';

/** How `selectBackend` chooses. */
export interface SelectBackendOptions extends BackendRequest {
  /** The backend to try first; without it the environment variable `TESSERAE_BACKEND` is asked, then the order stands. */
  prefer?: BackendName | (string & {});
  /** Whether to try the others when the preferred backend cannot be used; `true` unless set. */
  fallback?: boolean;
  /** `false` prints nothing; a function receives the line instead of the console. */
  log?: boolean | ((line: string) => void);
  /** What to choose from, best first; the built-in backends unless set. */
  candidates?: readonly BackendCandidate[];
}

/** A backend that was tried and could not be used. */
export interface BackendAttempt {
  readonly name: string;
  /** A few words: `not installed`. */
  readonly why: string;
  /** What would make it usable, where that is known: `run npm install …`. */
  readonly fix?: string;
}

/** What `selectBackend` took. */
export interface SelectedBackend {
  /** The backend that is active now. */
  readonly name: string;
  /** Its name inside TensorFlow.js, as `tf.getBackend()` gives it: `tensorflow` for both tfjs-node packages. */
  readonly backend: string;
  /** What computes, in words. */
  readonly description: string;
  /** Why this one: it was asked for, or it is the best that can be used. */
  readonly reason: string;
  /** How many threads it uses, where that is known. */
  readonly threads?: number;
  /** The better (or preferred) ones that could not be used, in the order they were tried. */
  readonly tried: readonly BackendAttempt[];
  /** The line that was printed. */
  readonly line: string;
}

/**
 * Makes the best backend that this machine has the active one of TensorFlow.js, and says in one line what it took and
 * why not the others. Gradients of the kernels are registered on the way.
 *
 * The order is `tfjs-node-gpu` (a GPU through TensorFlow), `onnx` (ONNX Runtime, whole programs), `tfjs-node`
 * (TensorFlow on the CPU), `wasm`, `cpu` (plain JavaScript, always there).
 *
 * @param options `prefer` moves one backend to the front (the environment variable `TESSERAE_BACKEND` does the same for
 *   a whole process); `fallback: false` insists on it; `log: false` is silent; `threads` and `provider` are handed to
 *   the backend that is taken
 * @returns the backend's name, a description, the reason, and what was tried before it
 * @throws E_UNKNOWN_BACKEND when `prefer` (or `TESSERAE_BACKEND`) names none of the candidates
 * @throws E_BACKEND_UNAVAILABLE when no candidate can be used, or the preferred one cannot and `fallback` is `false`
 * @throws E_OPTION when an option has the wrong type or value
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import { selectBackend } from '@tesserae/core';
 *
 * const selected = await selectBackend({ prefer: 'cpu', log: false });
 * console.log(selected.name, selected.reason); // → cpu asked for
 * console.log(tf.add(1, 2).dataSync()[0]); // → 3
 * ```
 */
export async function selectBackend(options: SelectBackendOptions = {}): Promise<SelectedBackend> {
  checkSelectOptions(options);
  const { fallback = true, candidates = builtInBackends() } = options;
  const asked = askedFor(options.prefer, candidates);
  const request: BackendRequest = {
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    ...(options.provider === undefined ? {} : { provider: options.provider }),
  };

  const tried: BackendAttempt[] = [];
  const causes: unknown[] = [];
  for (const candidate of inOrder(candidates, asked?.name, fallback)) {
    try {
      const taken = await candidate.use(request);
      registerGradients();
      return announce(candidate, taken, asked, tried, candidates, options.log ?? true);
    } catch (error) {
      causes.push(error);
      tried.push({ name: candidate.name, why: whyNot(error), ...(isTesseraeError(error) ? { fix: error.fix } : {}) });
    }
  }
  throw unavailable(tried, causes, asked, fallback);
}

interface Asked {
  name: string;
  by: 'prefer' | 'TESSERAE_BACKEND';
}

function askedFor(prefer: string | undefined, candidates: readonly BackendCandidate[]): Asked | undefined {
  const fromEnvironment = prefer === undefined ? environmentChoice() : undefined;
  const name = prefer ?? fromEnvironment;
  if (name === undefined) return undefined;
  const by = fromEnvironment === undefined ? 'prefer' : 'TESSERAE_BACKEND';
  const known = candidates.find((candidate) => candidate.name === name);
  if (known !== undefined) return { name: known.name, by };
  const names = candidates.map((candidate) => candidate.name);
  throw backendError({
    code: 'E_UNKNOWN_BACKEND',
    message: `${by} asks for the backend '${String(name)}', which is not one of ${names.join(', ')}`,
    fix: by === 'prefer' ? 'prefer one of these, or leave it out' : 'set TESSERAE_BACKEND to one of these, or unset it',
    details: { asked: name, known: names },
  });
}

function environmentChoice(): string | undefined {
  const value = typeof process === 'undefined' ? undefined : process.env['TESSERAE_BACKEND'];
  return value === undefined || value.trim() === '' ? undefined : value.trim();
}

function inOrder(
  candidates: readonly BackendCandidate[],
  first: string | undefined,
  fallback: boolean,
): BackendCandidate[] {
  if (first === undefined) return [...candidates];
  const preferred = candidates.filter((candidate) => candidate.name === first);
  return fallback ? [...preferred, ...candidates.filter((candidate) => candidate.name !== first)] : preferred;
}

function announce(
  candidate: BackendCandidate,
  taken: BackendTaken,
  asked: Asked | undefined,
  tried: readonly BackendAttempt[],
  candidates: readonly BackendCandidate[],
  log: boolean | ((line: string) => void),
): SelectedBackend {
  const { name } = candidate;
  const reason =
    asked?.name === name
      ? asked.by === 'prefer'
        ? 'asked for'
        : 'asked for by TESSERAE_BACKEND'
      : tried.length === 0
        ? 'the best'
        : 'the best that can be used here';
  const line = oneLine(name, taken, reason, tried, candidates);
  if (typeof log === 'function') log(line);
  else if (log) console.info(line);
  const threads = taken.threads === undefined ? {} : { threads: taken.threads };
  return {
    name,
    backend: tf.getBackend(),
    description: taken.description,
    reason,
    ...threads,
    tried: [...tried],
    line,
  };
}

function oneLine(
  name: string,
  taken: BackendTaken,
  reason: string,
  tried: readonly BackendAttempt[],
  candidates: readonly BackendCandidate[],
): string {
  const threads = taken.threads === undefined ? '' : `, ${taken.threads} ${taken.threads === 1 ? 'thread' : 'threads'}`;
  const refused = tried.map((attempt) => `${attempt.name} (${attempt.why})`);
  const rest = candidates
    .map((candidate) => candidate.name)
    .filter((other) => other !== name && !tried.some((t) => t.name === other));
  const not = refused.length === 0 ? '' : `; not ${refused.join(', ')}`;
  const untried = rest.length === 0 ? '' : `; not tried: ${rest.join(', ')}`;
  return `backend ${name}: ${taken.description}${threads}, ${reason}${not}${untried}`;
}

function unavailable(
  tried: readonly BackendAttempt[],
  causes: readonly unknown[],
  asked: Asked | undefined,
  fallback: boolean,
): Error {
  const list = tried.map((attempt) => `${attempt.name}: ${attempt.why}`).join('; ');
  const only = asked !== undefined && !fallback;
  const fix = tried.find((attempt) => attempt.fix !== undefined)?.fix;
  return backendError({
    code: 'E_BACKEND_UNAVAILABLE',
    message: only
      ? `the backend that was asked for cannot be used (${list})`
      : `no backend can be used (${list || 'no candidates'})`,
    fix:
      fix ??
      (only
        ? 'prefer another backend, or allow the fallback'
        : 'reinstall the packages; cpu needs nothing but JavaScript'),
    cause: causes[0],
    details: { tried: [...tried] },
  });
}

function checkSelectOptions(options: SelectBackendOptions): void {
  checkOptions<SelectBackendOptions>({ package: 'core', name: 'selectBackend', code: 'E_OPTION' }, options, {
    prefer: { expected: 'the name of a backend', test: () => true }, // judged by the candidates
    fallback: optionRules.boolean,
    log: { expected: 'true, false or a function', test: (v) => typeof v === 'boolean' || typeof v === 'function' },
    candidates: { expected: `a list of candidates such as ${backendNames[0]}`, test: Array.isArray },
    threads: optionRules.positiveInteger,
    provider: oneOf('cpu', 'webgpu', 'cuda'),
  });
}

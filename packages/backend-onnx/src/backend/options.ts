import type { LoadRuntimeOptions, Provider, SessionOptions } from '../runtime/types';
import { locateNativeKernels } from '../runtime/nativeKernels';
import { backendError } from './errors';

/** How the backend computes and how much it keeps. */
export interface OnnxBackendOptions {
  /** Threads inside one operator; the default is every core that the process may use. */
  threads?: number;
  /** Where to compute; the default is `cpu`. */
  provider?: Provider;
  /** Options of the provider, as ONNX Runtime names them. */
  providerOptions?: Record<string, string>;
  /** Path prefix: compiled programs record their runs, and `program.endProfiling()` writes a Chrome trace there. */
  profile?: string;
  /** How far ONNX Runtime rewrites compiled programs; the default is `all`. */
  graphOptimization?: 'disabled' | 'basic' | 'extended' | 'all';
  /** Session configuration entries, as ONNX Runtime names them. */
  configEntries?: Record<string, string>;
  /** One-kernel sessions that are kept for eager calls; the default is 256. */
  maxEagerSessions?: number;
  /** Memory of disposed tensors that is kept for new ones, in bytes; the default is 256 MiB. */
  maxPoolBytes?: number;
  /** Whether to use our own fused kernels where they were built for this machine; true when absent, on `cpu` only. */
  nativeKernels?: boolean;
  /** Which library to load, and how. */
  runtime?: LoadRuntimeOptions;
}

/** The options with every default filled in. */
export interface ResolvedOptions {
  readonly session: SessionOptions;
  readonly profile: string | undefined;
  readonly maxEagerSessions: number;
  readonly maxPoolBytes: number;
  /** The library of our own fused kernels, where it is used. */
  readonly nativeKernels: string | undefined;
  readonly runtime: LoadRuntimeOptions;
}

const known: readonly (keyof OnnxBackendOptions)[] = [
  'threads',
  'provider',
  'providerOptions',
  'profile',
  'graphOptimization',
  'configEntries',
  'maxEagerSessions',
  'maxPoolBytes',
  'nativeKernels',
  'runtime',
];

/** Checks options and fills in the defaults. @throws E_BACKEND_OPTION */
export function resolveOptions(options: OnnxBackendOptions): ResolvedOptions {
  if (typeof options !== 'object' || options === null) {
    throw backendError(
      'E_BACKEND_OPTION',
      `the options must be an object, found ${String(options)}`,
      'pass { threads, provider, … } or nothing',
    );
  }
  for (const name of Object.keys(options)) {
    if ((known as readonly string[]).includes(name)) continue;
    throw backendError('E_BACKEND_OPTION', `unknown option '${name}'`, `use ${known.join(', ')}`);
  }
  const { threads, provider, providerOptions, graphOptimization, configEntries } = options;
  const session: SessionOptions = {};
  if (threads !== undefined) session.threads = whole('threads', threads, 1, 1024);
  if (provider !== undefined) session.provider = oneOf<Provider>('provider', provider, ['cpu', 'webgpu', 'cuda']);
  if (graphOptimization !== undefined) {
    session.graphOptimization = oneOf<NonNullable<SessionOptions['graphOptimization']>>(
      'graphOptimization',
      graphOptimization,
      ['disabled', 'basic', 'extended', 'all'],
    );
  }
  if (providerOptions !== undefined) session.providerOptions = strings('providerOptions', providerOptions);
  if (configEntries !== undefined) session.configEntries = strings('configEntries', configEntries);
  if (options.profile !== undefined && (typeof options.profile !== 'string' || options.profile === '')) {
    throw backendError(
      'E_BACKEND_OPTION',
      `profile must be a path prefix, found ${String(options.profile)}`,
      "pass one such as 'out/profile'",
    );
  }
  if (options.nativeKernels !== undefined && typeof options.nativeKernels !== 'boolean') {
    throw backendError(
      'E_BACKEND_OPTION',
      `nativeKernels must be true or false, found ${String(options.nativeKernels)}`,
      'leave it out for true',
    );
  }
  const native = options.nativeKernels !== false && (provider ?? 'cpu') === 'cpu';
  return {
    session,
    nativeKernels: native ? locateNativeKernels() : undefined,
    profile: options.profile,
    maxEagerSessions: whole('maxEagerSessions', options.maxEagerSessions ?? 256, 1, 1_000_000),
    maxPoolBytes: whole('maxPoolBytes', options.maxPoolBytes ?? 256 * 2 ** 20, 0, Number.MAX_SAFE_INTEGER),
    runtime: options.runtime ?? {},
  };
}

function whole(name: string, value: unknown, least: number, most: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
  throw backendError(
    'E_BACKEND_OPTION',
    `${name} must be a whole number from ${least} to ${most}, found ${String(value)}`,
    `leave ${name} out for its default`,
  );
}

function oneOf<T extends string>(name: string, value: unknown, choices: readonly T[]): T {
  if ((choices as readonly unknown[]).includes(value)) return value as T;
  throw backendError('E_BACKEND_OPTION', `unknown ${name} '${String(value)}'`, `use one of ${choices.join(', ')}`);
}

function strings(name: string, value: unknown): Record<string, string> {
  if (typeof value === 'object' && value !== null && Object.values(value).every((entry) => typeof entry === 'string'))
    return value as Record<string, string>;
  throw backendError('E_BACKEND_OPTION', `${name} must be an object of strings`, `pass ${name}: { 'key': 'value' }`);
}

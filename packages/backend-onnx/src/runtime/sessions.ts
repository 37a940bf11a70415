import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { createBinding } from './bindings';
import type { BoundSession } from './bindings';
import type { Environment } from './environment';
import { reasonOf, runtimeError } from './errors';
import { createHandle, dispose, watch } from './handles';
import { checkInitializers } from './modelInitializers';
import type { NativeApi } from './nativeApi';
import { readPorts } from './ports';
import { appendProvider } from './providers';
import type { Session, SessionOptions } from './types';
import { holdValue, valueHandle } from './values';

const optimizationLevels = { disabled: 0, basic: 1, extended: 2, all: 99 } as const;

/**
 * Checks the options of a session.
 *
 * @throws E_SESSION_OPTION
 */
export function checkSessionOptions(options: SessionOptions): void {
  const { threads, graphOptimization, provider, profile } = options;
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= 1024)) {
    throw runtimeError(
      'E_SESSION_OPTION',
      `threads must be a whole number from 1 to 1024, found ${String(threads)}`,
      'leave it out to use every core',
    );
  }
  if (graphOptimization !== undefined && !Object.hasOwn(optimizationLevels, graphOptimization)) {
    throw runtimeError(
      'E_SESSION_OPTION',
      `unknown graphOptimization '${String(graphOptimization)}'`,
      `use one of ${Object.keys(optimizationLevels).join(', ')}`,
    );
  }
  if (provider !== undefined && !['cpu', 'webgpu', 'cuda'].includes(provider)) {
    throw runtimeError('E_SESSION_OPTION', `unknown provider '${String(provider)}'`, 'use one of cpu, webgpu, cuda');
  }
  if (profile !== undefined) {
    const folder = path.dirname(path.resolve(profile));
    try {
      accessSync(folder, constants.W_OK);
    } catch (cause) {
      throw runtimeError(
        'E_SESSION_OPTION',
        `no profile can be written to ${folder}: ${reasonOf(cause)}`,
        'make the folder, or choose another',
        { cause },
      );
    }
  }
}

/** Loads a model into a session. */
export function createSession(
  api: NativeApi,
  environment: Environment,
  model: Uint8Array | string,
  options: SessionOptions,
): Session {
  checkSessionOptions(options);
  checkModel(model);
  checkInitializers(model, options.initializers ?? {});
  const { table, read, check, text } = api;
  const pointer = buildSession(api, environment, model, options);
  const handle = createHandle(pointer, table.ReleaseSession);
  const inputs = readPorts(api, environment, pointer, 'Input');
  const outputs = readPorts(api, environment, pointer, 'Output');
  const bound: BoundSession = {
    api,
    handle,
    inputs: new Map(inputs.map((port) => [port.name, port])),
    outputs: new Map(outputs.map((port) => [port.name, port])),
    initializers: Object.entries(options.initializers ?? {}).map(([name, value]) =>
      holdValue(`initializer '${name}'`, value, api),
    ),
    copiesInputs: (options.provider ?? 'cpu') !== 'cpu',
    running: 0,
    owner: undefined,
  };
  const alive = (what: string): void => {
    if (handle.pointer === 0)
      throw runtimeError('E_DISPOSED', `cannot ${what}: the session was disposed of`, 'make a new session');
    if (bound.running > 0)
      throw runtimeError('E_RUNNING', `cannot ${what}: the session is running`, 'await its runs first');
  };
  const session: Session = {
    inputNames: inputs.map((port) => port.name),
    outputNames: outputs.map((port) => port.name),
    inputs: inputs.map(({ name, type, dims }) => ({ name, type, dims })),
    outputs: outputs.map(({ name, type, dims }) => ({ name, type, dims })),
    get disposed() {
      return handle.pointer === 0;
    },
    createBinding(boundInputs = {}, boundOutputs = {}) {
      if (handle.pointer === 0) alive('make a binding');
      return createBinding(bound, boundInputs, boundOutputs);
    },
    endProfiling() {
      alive('end profiling');
      if (options.profile === undefined) throw noProfile();
      const address = read(table.SessionEndProfiling, 'end profiling', handle.pointer, environment.allocator);
      const file = text(address);
      check(table.AllocatorFree(environment.allocator, address), 'end profiling');
      return file;
    },
    dispose() {
      if (handle.pointer === 0) return;
      alive('dispose of it');
      dispose(handle);
    },
  };
  bound.owner = session;
  watch(session, handle);
  return session;
}

/** The error of a session that records nothing. */
export function noProfile(): Error {
  return runtimeError('E_SESSION_OPTION', 'the session records no profile', "create it with the option 'profile'");
}

/**
 * Checks that a model is a file or bytes, as far as that can be seen from outside.
 *
 * @throws E_MODEL_FILE, E_MODEL_INVALID
 */
export function checkModel(model: unknown): void {
  if (typeof model === 'string') {
    if (statSync(model, { throwIfNoEntry: false })?.isFile() === true) return;
    throw runtimeError('E_MODEL_FILE', `there is no file at '${model}'`, 'check the path');
  }
  if (ArrayBuffer.isView(model) && model.byteLength > 0) return;
  throw runtimeError(
    'E_MODEL_INVALID',
    'expected the bytes of an ONNX model or its path, found nothing of the kind',
    'pass a Uint8Array that is not empty, or a path',
  );
}

/** Makes the native session; tries once more without the shared thread pool when the environment turns out to have none. */
export function buildSession(
  api: NativeApi,
  environment: Environment,
  model: Uint8Array | string,
  options: SessionOptions,
): number {
  const { table, read } = api;
  const sessionOptions = read(table.CreateSessionOptions, 'prepare a session');
  try {
    const sharing = environment.sharesPool && (options.threads ?? environment.threads) === environment.threads;
    configure(api, environment, sessionOptions, options, sharing);
    const doing = 'create a session';
    if (typeof model === 'string') return read(table.CreateSession, doing, environment.pointer, model, sessionOptions);
    void model.buffer;
    return read(table.CreateSessionFromArray, doing, environment.pointer, model, model.byteLength, sessionOptions);
  } catch (error) {
    // Whoever used the library first made its one environment, perhaps without a pool.
    if (!environment.sharesPool || !/session threadpools/i.test(reasonOf(error))) throw error;
    environment.sharesPool = false;
  } finally {
    table.ReleaseSessionOptions(sessionOptions);
  }
  return buildSession(api, environment, model, options);
}

function configure(
  api: NativeApi,
  environment: Environment,
  target: number,
  options: SessionOptions,
  sharing: boolean,
): void {
  const { table, check } = api;
  const set = (status: number): void => check(status, 'prepare a session');
  set(table.SetSessionGraphOptimizationLevel(target, optimizationLevels[options.graphOptimization ?? 'all']));
  if (sharing) set(table.DisablePerSessionThreads(target));
  else set(table.SetIntraOpNumThreads(target, options.threads ?? environment.threads));
  if (options.memoryPattern === false) set(table.DisableMemPattern(target));
  if (options.arena === false) set(table.DisableCpuMemArena(target));
  if (options.profile !== undefined) set(table.EnableProfiling(target, options.profile));
  for (const [name, entry] of Object.entries(options.configEntries ?? {})) {
    set(table.AddSessionConfigEntry(target, name, String(entry)));
  }
  for (const library of options.operatorLibraries ?? []) set(table.RegisterCustomOpsLibrary_V2(target, library));
  for (const [name, value] of Object.entries(options.initializers ?? {})) {
    set(table.AddInitializer(target, name, valueHandle(value, api, `initializer '${name}'`).pointer));
  }
  appendProvider(api, target, options.provider ?? 'cpu', options.providerOptions ?? {});
}
